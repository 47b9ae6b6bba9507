/** A progress bar on the terminal, and nothing at all elsewhere. */

import { performance } from "node:perf_hooks";
import { SingleBar } from "cli-progress";
import { type Io, isWatched } from "./io.ts";

export interface Progress {
  /** Cheap enough to be called for every case of a law. */
  update(value: number, note: string): void;
  /** Removes the bar, to write lines or to end. */
  stop(): void;
}

const REDRAW_MILLISECONDS = 50;
const NONE: Progress = { update: () => {}, stop: () => {} };

/** A bar that is full at `total`. It must be stopped, or the process does not end. */
export function startProgress(io: Io, total: number): Progress {
  const stream = io.stderr.terminal;
  if (stream === null || !isWatched(io)) return NONE;
  const bar = new SingleBar({
    stream,
    format: "{bar} {percentage}% {note}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    clearOnComplete: true,
    linewrap: true,
    hideCursor: null,
    // Its handler would keep Ctrl-C from ending a run that does not return to the event loop.
    gracefulExit: false,
  });
  bar.start(total, 0, { note: "" });
  let drawn = Number.NEGATIVE_INFINITY;
  return {
    update(value, note) {
      const now = performance.now();
      if (now - drawn < REDRAW_MILLISECONDS) return;
      drawn = now;
      bar.update(Math.min(value, total), { note });
    },
    stop: () => bar.stop(),
  };
}
