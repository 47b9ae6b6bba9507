/** Driving a world from the command: in steps short enough to show progress and to hear a signal. */

import { performance } from "node:perf_hooks";
import type { Cycles, World } from "../api/index.ts";
import { formatTime } from "../api/index.ts";
import { breathe } from "./io.ts";
import type { Progress } from "./progress.ts";
import { grouped } from "./tables.ts";

const FIRST_STEP: Cycles = 100_000;
const STEP_MILLISECONDS = 40;

/** Runs to `end`; where it pauses does not influence the run. Stops early when `goesOn` says so. */
export async function advance(
  world: World,
  end: Cycles,
  progress: Progress,
  goesOn: () => boolean = () => true,
): Promise<void> {
  let step = FIRST_STEP;
  while (world.now < end && goesOn()) {
    const started = performance.now();
    world.runUntil(Math.min(world.now + step, end));
    const elapsed = performance.now() - started;
    if (elapsed < STEP_MILLISECONDS / 2) step *= 2;
    else if (elapsed > STEP_MILLISECONDS * 2) step = Math.max(1, Math.floor(step / 2));
    progress.update(world.now, `${formatTime(world.now)}, ${grouped(world.trace.count)} events`);
    await breathe();
  }
}

/** What a run has come to, for the closing table. */
export interface Outcome {
  readonly timeCycles: Cycles;
  readonly decisions: number;
  readonly events: number;
  readonly waiting: number;
  readonly epochs: number;
  readonly digest: string;
}

export function outcomeOf(world: World): Outcome {
  return {
    timeCycles: world.now,
    decisions: world.steps,
    events: world.trace.count,
    waiting: world.pending,
    epochs: world.epochDigests.length,
    digest: world.digest(),
  };
}

export function outcomeRows(outcome: Outcome): [string, string][] {
  return [
    ["virtual time", formatTime(outcome.timeCycles)],
    ["decisions", grouped(outcome.decisions)],
    ["events", grouped(outcome.events)],
    ["events waiting", grouped(outcome.waiting)],
    ["digests taken", grouped(outcome.epochs)],
    ["digest", outcome.digest],
  ];
}
