/** Laws of recordings: a replay is the run, and damage is never accepted. */

import fc from "fast-check";
import { InputError, ReplayError } from "../../src/sim/assert.ts";
import { DEFAULT_SETUP } from "../../src/sim/blueprint.ts";
import { Hasher } from "../../src/sim/hash.ts";
import { RECORDING_VERSION, type Recording } from "../../src/sim/recording.ts";
import { replayWorld, runReplay, verifyReplay } from "../../src/sim/replay.ts";
import { tokens } from "../../src/sim/toy/tokens.ts";
import { law } from "../support/law.ts";
import { blueprint, read, record } from "../support/recordings.ts";
import {
  anyInputs,
  anyTime,
  anyTokensSetup,
  anyWalk,
  HORIZON,
  type PlannedInput,
  pool,
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
    moves: anyWalk(),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
  },
  holds: ({ setup, inputs, end, moves, pieceBytes }) => {
    const bytes = record(setup, inputs, end, moves);
    const recording = read(bytes, pieceBytes);
    if (bytes.some((byte) => byte > 126)) return false;
    return using(replayWorld(recording, blueprint, [], pool), (world) => {
      runReplay(recording, world);
      const isSame = verifyReplay(recording, world) === null;
      return isSame && (moves.length > 0 || recording.end.time === end);
    });
  },
});

law("a-wrong-replay-is-noticed", {
  says: "A replay with an input left out, changed, moved or added does not pass for the run.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    which: fc.nat(),
    how: fc.constantFrom("left out", "changed", "moved", "doubled"),
    by: fc.constantFrom(-2, -1, 1, 2, 1_000_000),
  },
  given: ({ inputs }) => inputs.some(({ time }) => time < HORIZON),
  holds: ({ setup, inputs, which, how, by }) => {
    // With epochs events are digested, so that it is not only lasting effects that can be noticed.
    const { epochCycles } = setup;
    const withEpochs = { ...setup, epochCycles: epochCycles > 0 ? epochCycles : 1000 };
    const recording = read(record(withEpochs, inputs, HORIZON));
    const at = which % recording.inputs.length;
    // A reader refuses an input beyond the end.
    if (how === "doubled" && recording.inputs[at]?.step === recording.end.steps - 1) return true;
    const changed = recording.inputs.flatMap((input, i) => {
      if (i !== at) return [input];
      if (how === "left out") return [];
      if (how === "doubled") return [input, { ...input, step: input.step + 1 }];
      if (how === "moved") return [{ ...input, step: input.step + by }];
      return [{ ...input, payload: 1 - Number(input.payload === 1) }];
    });
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

law("lines-belong-together", {
  says: "A recording with a line left out, doubled, at another place or from another recording is refused.",
  cites: "src/sim/recording.ts",
  forAll: {
    setup: anyTokensSetup(),
    seed: fc.nat(50).map(String),
    inputs: anyInputs(),
    from: fc.nat(),
    to: fc.nat(),
  },
  given: ({ setup, seed }) => setup.seed !== seed && setup.config.tokens > 0,
  holds: ({ setup, seed, inputs, from, to }) => {
    const linesOf = (of: TokensSetup): string[] =>
      new TextDecoder()
        .decode(record(of, inputs, HORIZON))
        .trimEnd()
        .split("\n");
    const good = linesOf(setup);
    const other = linesOf({ ...setup, seed });
    const [a, b] = [from % good.length, to % good.length];
    const [line, last] = [good[a] as string, good.length - 1];
    const foreign = other.at(a === last ? -1 : a) as string;
    mustRefuseLines(good.toSpliced(a, 1), "left out");
    mustRefuseLines(good.toSpliced(a, 0, line), "doubled");
    if (a !== b) mustRefuseLines(good.toSpliced(a, 1).toSpliced(b, 0, line), "moved");
    if (foreign !== line) mustRefuseLines(good.toSpliced(a, 1, foreign), "from another");
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
    value: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(-1, 0, 0.5, 2500, 1e300, "x", null, [], {}, [0.5], ["x"], [-1]),
    ),
  },
  runs: 1000,
  holds: ({ setup, line, path, value }) => {
    const whole = record({ ...setup, epochCycles: 1000 }, FORGED_INPUTS, FORGED_END);
    try {
      const recording = read(forge(whole, line, path, value));
      mustBeSound(recording);
      using(replayWorld(recording, blueprint, [], pool), (world) => {
        world.runUntil(Math.min(recording.end.time, FORGED_END));
      });
    } catch (error) {
      if (error instanceof ReplayError) return true;
      if (!(error instanceof InputError)) throw error;
      return !error.message.includes("\n");
    }
    return true;
  },
});

law("a-forged-line-is-checked", {
  says: "A line with a right checksum that is no JSON, or none of the lines of a recording, is refused.",
  cites: "src/sim/recording.ts",
  forAll: {
    // From after the header to after the end.
    at: fc.integer({ min: 1, max: 5 }),
    text: fc.oneof(
      fc.constantFrom("null", "[]", "{}", "1", '"x"', "", "{", '{"input":null}', '{"end":1}'),
      fc.string({ unit: "grapheme-ascii" }),
      fc.json({ noUnicodeString: true }).map((json) => json.replaceAll(/[^ -~]/g, "")),
    ),
  },
  holds: ({ at, text }) => {
    const setup: TokensSetup = { ...DEFAULT_SETUP, config: tokens.parse({}), epochCycles: 1000 };
    const values = valuesOf(record(setup, [], FORGED_END)).map((value) => JSON.stringify(value));
    const forged = chained(values.toSpliced(at, 0, text));
    return mustRefuse(forged, "a forged line");
  },
});

// Helpers

const FORGED_INPUTS: readonly PlannedInput[] = [
  { time: 5, node: 1 },
  { time: 2000, node: 2 },
];
const FORGED_END = 3000;

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

function mustRefuseLines(lines: readonly string[], what: string): boolean {
  return mustRefuse(new TextEncoder().encode(`${lines.join("\n")}\n`), what);
}

/** What the reader lets through is of the right kind and in order. */
function mustBeSound({ header, inputs, epochs, end }: Recording): void {
  const { setup } = header;
  const wholes = [
    setup.epochCycles,
    setup.sliceCycles - 1,
    setup.schedule?.windowCycles ?? 0,
    ...(setup.schedule?.priorities ?? []),
    ...(setup.schedule?.changePoints ?? []),
    ...setup.faults.map(({ time }) => time),
    ...inputs.flatMap(({ step, time }) => [step, time]),
    end.time,
    end.steps,
  ];
  const texts = [
    setup.seed,
    ...setup.faults.flatMap(({ target, kind }) => [target, kind]),
    ...inputs.flatMap(({ target, kind }) => [target, kind]),
  ];
  const inOrder = inputs.every((input, i) => {
    const next = inputs[i + 1] ?? { step: end.steps, time: end.time };
    return input.step < next.step && input.time <= next.time;
  });
  const isSound =
    header.version === RECORDING_VERSION &&
    wholes.every((value) => Number.isSafeInteger(value) && value >= 0) &&
    texts.every((text) => typeof text === "string") &&
    [...epochs, end.digest].every((digest) => /^[0-9a-f]{32}$/.test(digest)) &&
    end.inputs === inputs.length &&
    end.epochs === epochs.length &&
    inOrder;
  if (!isSound) throw new Error("the reader let through what is not sound");
}

/** Puts `value` at a place in one line of a recording and makes all checksums right again. */
function forge(
  bytes: Uint8Array,
  line: number,
  path: readonly number[],
  value: unknown,
): Uint8Array {
  const values = valuesOf(bytes);
  let place = values[line % values.length] as Record<string, unknown>;
  for (const step of path) {
    const inner = Object.values(place).filter((item) => typeof item === "object" && item !== null);
    if (inner.length === 0) break;
    place = inner[step % inner.length] as Record<string, unknown>;
  }
  const keys = Object.keys(place);
  const key = keys[(path.at(-1) ?? 0) % Math.max(1, keys.length)] ?? "more";
  place[key] = value;
  const header = values[0] as { kvmsim?: unknown };
  if (typeof header?.kvmsim !== "string") return new TextEncoder().encode(JSON.stringify(values));
  return chained(values.map((item) => JSON.stringify(item)));
}

function valuesOf(bytes: Uint8Array): Record<string, unknown>[] {
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  return lines.map((text) => JSON.parse(text.slice(33)) as Record<string, unknown>);
}

/** Lines of JSON as a recording with right checksums. */
function chained(lines: readonly string[]): Uint8Array {
  let text = "";
  const checksum = new Hasher();
  for (const line of lines) {
    const json = line.replace(
      /[\u007f-\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    checksum.text(json);
    text += `${checksum.hex()} ${json}\n`;
  }
  return new TextEncoder().encode(text);
}
