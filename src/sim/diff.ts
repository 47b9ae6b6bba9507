/**
 * Finds where two runs part. The rolling digests of the epochs are bisected for the first epoch in which the runs
 * differ; within it, events are compared one by one, and, where all agree, the state is bisected by time.
 */

import { firstSnapshotDifference } from "./snapshot.ts";
import type { Cycles } from "./time.ts";
import type { TraceEvent, TraceSink } from "./trace.ts";
import type { World } from "./world.ts";

/** The first difference between two runs. */
export type Divergence =
  | {
      readonly what: "event";
      /** Number of the event in the run. */
      readonly number: number;
      readonly time: Cycles;
      /** The first field that differs: a field's name, or `time`, `source`, `type`, or `none` when one run ends. */
      readonly field: string;
      readonly left: TraceEvent | null;
      readonly right: TraceEvent | null;
    }
  | {
      readonly what: "state";
      /** The runs are alike before this time and differ in state at it. */
      readonly time: Cycles;
      /** The registered state and the place in it. */
      readonly field: string;
      readonly left: unknown;
      readonly right: unknown;
    };

/** Index of the first element that differs between two rolling lists, by bisection; the shorter length if none. */
export function firstDifferentEpoch(left: readonly string[], right: readonly string[]): number {
  let low = 0;
  let high = Math.min(left.length, right.length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (left[middle] === right[middle]) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The epochs of a run that has been made before, as a recording or a world keeps them, and its end. */
export interface KnownRun {
  readonly epochs: readonly string[];
  readonly endTime: Cycles;
}

/**
 * Compares two runs whose digests are known. `left` and `right` are worlds at time 0 that will repeat them; both have
 * epochs of the same length. Null when the runs agree to the end of the shorter one.
 */
export function firstDivergence(
  left: World,
  leftRun: KnownRun,
  right: World,
  rightRun: KnownRun,
): Divergence | null {
  const { epochCycles } = left.setup;
  const epoch = firstDifferentEpoch(leftRun.epochs, rightRun.epochs);
  const end = Math.min(leftRun.endTime, rightRun.endTime);
  const from = Math.min(epoch * epochCycles, end);
  const to = epochCycles > 0 ? Math.min(from + epochCycles, end) : end;
  left.runUntil(from);
  right.runUntil(from);
  const number = firstDifferentEvent(eventsUntil(left.fork(), to), eventsUntil(right.fork(), to));
  if (number === null) return differentState(left, right, from, to);
  // What one run does in this epoch the other may do in a later one.
  return differenceOf(eventAt(left.fork(), number, end), eventAt(right.fork(), number, end));
}

/** Collects the events of a world from where it is to `time`, and ends the world. */
function eventsUntil(world: World, time: Cycles): TraceEvent[] {
  const events: TraceEvent[] = [];
  const sink: TraceSink = { event: (event) => void events.push(event) };
  world.trace.attach(sink);
  world.runUntil(time);
  world.release();
  return events;
}

/** Number of the first event that differs, if any. Both lists begin at one event of the runs. */
function firstDifferentEvent(
  left: readonly TraceEvent[],
  right: readonly TraceEvent[],
): number | null {
  const count = Math.max(left.length, right.length);
  for (let i = 0; i < count; i += 1) {
    const [a, b] = [left[i], right[i]];
    if (a === undefined || b === undefined) return ((a ?? b) as TraceEvent).number;
    if (differentField(a, b) !== null) return a.number;
  }
  return null;
}

/** The event of that number, or null when the world has none before `end`. Ends the world. */
function eventAt(world: World, number: number, end: Cycles): TraceEvent | null {
  const found: TraceEvent[] = [];
  world.trace.attach({
    event: (event) => {
      if (event.number === number) found.push(event);
    },
  });
  while (found.length === 0 && world.nextTime < end) world.step();
  world.release();
  return found[0] ?? null;
}

function differenceOf(left: TraceEvent | null, right: TraceEvent | null): Divergence {
  const first = (left ?? right) as TraceEvent;
  const time = Math.min(left?.time ?? first.time, right?.time ?? first.time);
  const field = left === null || right === null ? "none" : differentField(left, right);
  return { what: "event", number: first.number, time, field: field ?? "none", left, right };
}

function differentField(a: TraceEvent, b: TraceEvent): string | null {
  if (a.time !== b.time) return "time";
  if (a.source !== b.source) return "source";
  if (a.type.name !== b.type.name) return "type";
  return a.type.fieldNames.find((name) => !Object.is(a.fields[name], b.fields[name])) ?? null;
}

/** The worlds are at `from`; their events agree until `to`. Finds the first moment at which their states differ. */
function differentState(left: World, right: World, from: Cycles, to: Cycles): Divergence | null {
  if (digestAt(left, to) === digestAt(right, to)) return null;
  let alike = from - 1;
  let differ = to;
  while (differ - alike > 1) {
    const middle = Math.floor((alike + differ) / 2);
    if (digestAt(left, middle) === digestAt(right, middle)) alike = middle;
    else differ = middle;
  }
  const [a, b] = [left.fork(), right.fork()];
  a.runUntil(differ);
  b.runUntil(differ);
  const found = firstSnapshotDifference(a.snapshot().registry, b.snapshot().registry);
  a.release();
  b.release();
  const field = found === null ? "digest" : `${found.name}${found.path}`;
  return { what: "state", time: differ, field, left: found?.left, right: found?.right };
}

/** The state's digest at `time`, not before where the world is, without moving it. */
function digestAt(world: World, time: Cycles): string {
  const fork = world.fork();
  fork.runUntil(Math.max(time, world.now));
  const digest = fork.digest();
  fork.release();
  return digest;
}
