/** Laws of comparing runs: a difference is found where it is. */

import fc from "fast-check";
import { type Divergence, firstDivergence, type KnownRun } from "../../src/sim/diff.ts";
import type { Recording } from "../../src/sim/recording.ts";
import { replayWorld } from "../../src/sim/replay.ts";
import { formatEvent, type TraceEvent } from "../../src/sim/trace.ts";
import type { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { MARKING_PAGES, marking } from "../support/marking-world.ts";
import { blueprint, read, record } from "../support/recordings.ts";
import {
  anyFault,
  anyInputs,
  anyTime,
  anyTokensSetup,
  HORIZON,
  type PlannedInput,
  pool,
  type TokensSetup,
  using,
} from "../support/worlds.ts";

law("a-difference-is-found-at-its-event", {
  says: "For runs that differ in seed, faults or inputs, bisection finds the event that a comparison of whole traces finds.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    other: fc.oneof(
      fc.record({ fault: anyFault() }),
      fc.record({ input: fc.record({ time: anyTime(), node: fc.nat(9) }) }),
      fc.record({ seed: fc.nat(50).map(String) }),
      fc.constant({}),
    ),
  },
  holds: ({ setup, inputs, other }) => {
    const change = other as {
      fault?: TokensSetup["faults"][number];
      input?: PlannedInput;
      seed?: string;
    };
    const setup2: TokensSetup = {
      ...setup,
      seed: change.seed ?? setup.seed,
      faults: change.fault === undefined ? setup.faults : [...setup.faults, change.fault],
    };
    const inputs2 =
      change.input === undefined
        ? inputs
        : [...inputs, change.input].toSorted((a, b) => a.time - b.time);
    const [left, right] = [
      read(record(setup, inputs, HORIZON)),
      read(record(setup2, inputs2, HORIZON)),
    ];
    const found = divergence(left, right);
    const [a, b] = [wholeTrace(left), wholeTrace(right)];
    const expected = a.findIndex((event, i) => describe(event) !== describe(b[i]));
    const first = expected < 0 && b.length > a.length ? a.length : expected;
    if (first < 0) {
      // Equal traces: a fault or input at or beyond the horizon can still lie in the state.
      return found === null || (found.what === "state" && partAt(left, right, found.time));
    }
    // State may differ before the first event that shows it, within the same epoch or an earlier one.
    const [x, y] = [a[first] ?? null, b[first] ?? null];
    const time = Math.min(x?.time ?? Number.POSITIVE_INFINITY, y?.time ?? Number.POSITIVE_INFINITY);
    if (found?.what === "state") return found.time <= time && partAt(left, right, found.time);
    return (
      found?.number === first &&
      found.time === time &&
      found.field === differentField(x, y) &&
      describe(found.left) === describe(x) &&
      describe(found.right) === describe(y)
    );
  },
});

law("a-silent-difference-is-found-at-its-time", {
  says: "When runs differ in state without an event, if only for a while, bisection finds the very cycle, the memory and the byte.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    time: fc.integer({ min: 1, max: HORIZON - 1 }),
    address: fc.nat(MARKING_PAGES * 4096 - 1),
    value: fc.integer({ min: 1, max: 255 }),
    epochCycles: fc.constantFrom(1000, 7777),
    length: fc.option(fc.nat(HORIZON / 4), { nil: null }),
  },
  runs: 30,
  holds: ({ time, address, value, epochCycles, length }) => {
    // So long that a digest lies between, or for good.
    const until = length === null ? null : time + epochCycles + length;
    const make = (planted: number): World =>
      marking({ time, until, address, value: planted }, epochCycles, pool);
    const known = (planted: number): KnownRun =>
      using(make(planted), (world) => {
        world.runUntil(HORIZON);
        return { epochs: world.epochDigests, endTime: HORIZON };
      });
    const [left, right] = [make(0), make(value)];
    const found = firstDivergence(left, known(0), right, known(value));
    left.release();
    right.release();
    return (
      found?.what === "state" &&
      found.time === time + 1 &&
      found.field === `memory[0x${address.toString(16)}]` &&
      found.left === 0 &&
      found.right === value
    );
  },
});

// Helpers

function divergence(left: Recording, right: Recording): Divergence | null {
  const [a, b] = [left, right].map((recording) => replayWorld(recording, blueprint, [], pool)) as [
    World,
    World,
  ];
  const known = ({ epochs, end }: Recording): KnownRun => ({ epochs, endTime: end.time });
  const found = firstDivergence(a, known(left), b, known(right));
  a.release();
  b.release();
  return found;
}

function wholeTrace(recording: Recording): TraceEvent[] {
  const events: TraceEvent[] = [];
  using(replayWorld(recording, blueprint, [], pool), (world) => {
    world.trace.attach({ event: (event) => void events.push(event) });
    world.runUntil(recording.end.time);
  });
  return events;
}

const describe = (event: TraceEvent | null | undefined): string =>
  event === undefined || event === null ? "none" : formatEvent(event);

/** The first part in which two lines of a trace differ, in the order in which they are written. */
function differentField(a: TraceEvent | null, b: TraceEvent | null): string {
  if (a === null || b === null) return "none";
  const [x, y] = [a, b].map((event) => formatEvent(event).split(" ")) as [string[], string[]];
  const at = x.findIndex((part, i) => part !== y[i]);
  return ["time", "source", "type"][at] ?? ((x[at] as string).split("=")[0] as string);
}

/** True when two runs have different states at a time, and had not one cycle before. */
function partAt(left: Recording, right: Recording, time: number): boolean {
  const differAt = (moment: number): boolean => {
    const [a, b] = [left, right].map((recording) =>
      using(replayWorld(recording, blueprint, [], pool), (world) => {
        world.runUntil(moment);
        return world.digest();
      }),
    );
    return a !== b;
  };
  return differAt(time) && (time === 0 || !differAt(time - 1));
}
