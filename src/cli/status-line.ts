/** A line at the foot of the terminal, below what scrolls: virtual time and how fast it goes. Nothing elsewhere. */

import { performance } from "node:perf_hooks";
import type { Cycles } from "../api/index.ts";
import { formatTime } from "../api/index.ts";
import { type Io, isWatched } from "./io.ts";

export interface Status {
  update(now: Cycles): void;
  /** Gives the line back. */
  stop(): void;
}

const REDRAW_MILLISECONDS = 200;
const NONE: Status = { update: () => {}, stop: () => {} };
const CYCLES_PER_MICROSECOND = 1000;

/** Keeps the last row out of what scrolls (DECSTBM), so that the guest's own output is left as it is. */
export function startStatus(io: Io): Status {
  const stream = io.stdout.terminal as NodeJS.WriteStream | null;
  if (stream === null || !isWatched(io) || !(stream.rows > 2)) return NONE;
  const { rows } = stream;
  stream.write(`\n\u001b7\u001b[1;${rows - 1}r\u001b8\u001b[1A`);
  let drawn = performance.now();
  let before = 0;
  return {
    update(now) {
      const time = performance.now();
      if (time - drawn < REDRAW_MILLISECONDS) return;
      const speed = (now - before) / ((time - drawn) * CYCLES_PER_MICROSECOND);
      drawn = time;
      before = now;
      const text = `${formatTime(now)} · ${Math.round(speed)} million cycles a second · Ctrl-A x leaves`;
      stream.write(`\u001b7\u001b[${rows};1H\u001b[2K\u001b[2m${text}\u001b[0m\u001b8`);
    },
    stop() {
      stream.write(`\u001b7\u001b[r\u001b[${rows};1H\u001b[2K\u001b8`);
    },
  };
}
