/** Laws of recordings: a replay is the run, damage is never accepted, and a difference is found where it is. */

import fc from "fast-check";
import { InputError, ReplayError } from "../../src/sim/assert.ts";
import type { Blueprint } from "../../src/sim/blueprint.ts";
import { type Divergence, firstDivergence, type KnownRun } from "../../src/sim/diff.ts";
import { Hasher } from "../../src/sim/hash.ts";
import { type Recording, RecordingReader, RecordingWriter } from "../../src/sim/recording.ts";
import { replayWorld, runReplay, verifyReplay } from "../../src/sim/replay.ts";
import { tokens } from "../../src/sim/toy/tokens.ts";
import { formatEvent, type TraceEvent } from "../../src/sim/trace.ts";
import type { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { marking } from "../support/marking-world.ts";
import {
  anyFault,
  anyInputs,
  anyTime,
  anyTokensSetup,
  createTokens,
  HORIZON,
  type PlannedInput,
  pool,
  runWithInputs,
  type TokensSetup,
  using,
} from "../support/worlds.ts";

law("a-replay-is-the-run", {
  says: "A recording, written and read in pieces of any size, replays to every digest of the run.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    end: anyTime(),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
  },
  holds: ({ setup, inputs, end, pieceBytes }) => {
    const recording = read(record(setup, inputs, end), pieceBytes);
    return using(replayWorld(recording, blueprint, [], pool), (world) => {
      runReplay(recording, world);
      return verifyReplay(recording, world) === null && recording.end.time === end;
    });
  },
});

law("a-wrong-replay-is-noticed", {
  says: "A replay with an input left out, moved or added does not pass for the run.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs(), which: fc.nat(), moved: fc.boolean() },
  given: ({ inputs }) => inputs.some(({ time }) => time < HORIZON),
  holds: ({ setup, inputs, which, moved }) => {
    const recording = read(record(setup, inputs, HORIZON));
    const at = which % recording.inputs.length;
    const changed = recording.inputs.flatMap((input, i) => {
      if (i !== at) return [input];
      return moved ? [{ ...input, payload: 1 - Number(input.payload === 1) }] : [];
    });
    const same =
      moved && nodeOf(changed[at]?.payload, setup) === nodeOf(recording.inputs[at]?.payload, setup);
    if (same) return true;
    return using(replayWorld({ ...recording, inputs: changed }, blueprint, [], pool), (world) => {
      try {
        runReplay(recording, world);
      } catch (error) {
        if (error instanceof ReplayError) return true;
        throw error;
      }
      return verifyReplay(recording, world) !== null;
    });
  },
});

law("a-damaged-recording-is-refused", {
  says: "No change of one byte of a recording to any other value, and no truncation, is ever accepted.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    flips: fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 2 }),
  },
  runs: 4,
  holds: ({ setup, inputs, flips }) => {
    const good = record({ ...setup, epochCycles: 20_000 }, inputs, HORIZON);
    read(good);
    for (let at = 0; at < good.length; at += 1) {
      mustRefuse(good.subarray(0, at), `cut at ${at}`);
      // Each single bit, and some changes of several.
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128, ...flips]) {
        const bad = good.slice();
        bad[at] = (bad[at] as number) ^ flip;
        mustRefuse(bad, `byte ${at} ^ ${flip}`);
      }
    }
    mustRefuse(Uint8Array.from([...good, 10]), "a newline more");
    mustRefuse(Uint8Array.from([...good, ...good]), "twice");
  },
});

law("anything-else-is-refused", {
  says: "Bytes that are no recording are refused with one line, never with an error of ours.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string().map((text) => new TextEncoder().encode(text)),
    ),
  },
  runs: 300,
  holds: ({ bytes }) => mustRefuse(bytes, "anything"),
});

law("a-forged-recording-is-checked", {
  says: "A recording with right checksums but wrong content is refused with one line that names the place.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    setup: anyTokensSetup(),
    line: fc.nat(6),
    path: fc.array(fc.nat(7), { maxLength: 4 }),
    value: fc.oneof(fc.jsonValue(), fc.constantFrom(-1, 1e300, "x", null, [], {})),
  },
  runs: 300,
  holds: ({ setup, line, path, value }) => {
    const forged = forge(record(setup, [{ time: 5, node: 1 }], 3000), line, path, value);
    try {
      const recording = read(forged);
      using(replayWorld(recording, blueprint, [], pool), () => {});
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return !error.message.includes("\n");
    }
    return true;
  },
});

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
      return found === null || found.what === "state";
    }
    // State may differ before the first event that shows it, within the same epoch or an earlier one.
    if (found?.what === "state") return found.time <= ((a[first] ?? b[first]) as TraceEvent).time;
    return found?.number === first;
  },
});

law("a-silent-difference-is-found-at-its-time", {
  says: "When runs differ in state without an event, bisection finds the very cycle, the memory and the byte.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    time: fc.integer({ min: 1, max: HORIZON - 1 }),
    address: fc.nat(16 * 4096 - 1),
    value: fc.integer({ min: 1, max: 255 }),
    epochCycles: fc.constantFrom(1000, 7777),
  },
  holds: ({ time, address, value, epochCycles }) => {
    const make = (planted: number): World =>
      marking({ time, address, value: planted }, epochCycles, pool);
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

const blueprint: Blueprint = tokens;

function record(setup: TokensSetup, inputs: readonly PlannedInput[], end: number): Uint8Array {
  return using(createTokens(setup), (world) => {
    let text = "";
    const writer = new RecordingWriter(world, [], (piece) => {
      text += piece;
    });
    world.observe(writer);
    runWithInputs(world, inputs, end);
    writer.close(world);
    return new TextEncoder().encode(text);
  });
}

function read(bytes: Uint8Array, pieceBytes = bytes.length): Recording {
  const reader = new RecordingReader("r");
  for (let at = 0; at < bytes.length; at += pieceBytes)
    reader.push(bytes.slice(at, at + pieceBytes));
  return reader.finish();
}

function mustRefuse(bytes: Uint8Array, what: string): boolean {
  try {
    read(bytes, Math.max(1, bytes.length));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (/^r: [^\n]+$/.test(error.message)) return true;
    throw new Error(`${what}: not one clear line: ${error.message}`, { cause: error });
  }
  throw new Error(`${what}: accepted`);
}

/** Puts `value` at a place in one line of a recording and makes all checksums right again. */
function forge(
  bytes: Uint8Array,
  line: number,
  path: readonly number[],
  value: unknown,
): Uint8Array {
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  const values = lines.map((text) => JSON.parse(text.slice(33)) as Record<string, unknown>);
  let place = values[line % values.length] as Record<string, unknown>;
  for (const step of path) {
    const inner = Object.values(place).filter((item) => typeof item === "object" && item !== null);
    if (inner.length === 0) break;
    place = inner[step % inner.length] as Record<string, unknown>;
  }
  const keys = Object.keys(place);
  const key = keys[(path.at(-1) ?? 0) % Math.max(1, keys.length)] ?? "more";
  place[key] = value;
  let text = "";
  const header = values[0] as unknown as { kvmsim?: unknown };
  if (typeof header?.kvmsim !== "string") return new TextEncoder().encode(JSON.stringify(values));
  const checksum = new Hasher();
  for (const item of values) {
    const json = JSON.stringify(item).replace(
      /[\u007f-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    checksum.text(json);
    text += `${checksum.hex()} ${json}\n`;
  }
  return new TextEncoder().encode(text);
}

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

const describe = (event: TraceEvent | undefined): string =>
  event === undefined ? "none" : formatEvent(event);

/** What the toy world makes of an input's payload. */
function nodeOf(payload: unknown, setup: TokensSetup): number {
  return typeof payload === "number" && payload >= 0 && payload < setup.config.nodes
    ? Math.floor(payload)
    : 0;
}
