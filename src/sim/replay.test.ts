import { describe, expect, test } from "vitest";
import { ReplayError } from "./assert.ts";
import type { Blueprint } from "./blueprint.ts";
import type { StampedInput } from "./inputs.ts";
import { type Recording, RecordingReader, RecordingWriter } from "./recording.ts";
import { type ImageAtHand, replayWorld, runReplay, verifyReplay } from "./replay.ts";
import { type TokensConfig, tokens } from "./toy/tokens.ts";
import { World } from "./world.ts";

const blueprint: Blueprint = tokens;
const OTHER = "0123456789abcdef0123456789abcdef";

const program: ImageAtHand = {
  name: "program",
  sizeBytes: 2,
  sha256: "5".repeat(64),
  bytes: Uint8Array.of(3, 4),
};

/** A run to the cycle 5000, with an input at 1000 and one at the very end. */
function recorded(config: Partial<TokensConfig> = {}, images: readonly ImageAtHand[] = []): string {
  const world = World.create(tokens, {
    config: tokens.parse(config as TokensConfig),
    epochCycles: 1000,
    images: Object.fromEntries(images.map(({ name, bytes }) => [name, bytes])),
  });
  let text = "";
  const needs = images.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }));
  const writer = new RecordingWriter(world, needs, (piece) => (text += piece));
  world.observe(writer);
  world.runUntil(1000);
  world.input("ring", "insert", 3);
  world.runUntil(5000);
  world.input("ring", "insert", 4);
  writer.close(world);
  return text;
}

function read(text: string): Recording {
  const reader = new RecordingReader("r");
  reader.push(new TextEncoder().encode(text));
  return reader.finish();
}

function replayed(recording: Recording, images: readonly ImageAtHand[] = []): World {
  const world = replayWorld(recording, blueprint, images);
  runReplay(recording, world);
  return world;
}

describe("a replay", () => {
  test("verifies to the last digest and step, and names the first epoch that differs", () => {
    const recording = read(recorded());
    const world = replayed(recording);
    expect(verifyReplay(recording, world)).toBe(null);
    const { epochs, end } = recording;
    expect(verifyReplay({ ...recording, epochs: epochs.with(2, OTHER) }, world)).toEqual({
      epoch: 3,
      expected: OTHER,
      found: epochs[2],
    });
    expect(verifyReplay({ ...recording, epochs: [...epochs, OTHER] }, world)?.found).toBe("none");
    const endFailure = { epoch: 6, expected: OTHER, found: end.digest };
    expect(verifyReplay({ ...recording, end: { ...end, digest: OTHER } }, world)).toEqual(
      endFailure,
    );
    const longer = { ...recording, end: { ...end, steps: end.steps + 1 } };
    expect(verifyReplay(longer, world)).not.toBe(null);
  });

  test("never goes beyond the time of its recording, whatever its steps", () => {
    const recording = read(recorded());
    const { end } = recording;
    const world = replayed({ ...recording, end: { ...end, steps: end.steps + 1000 } });
    expect(world.now).toBe(5000);
  });

  test("ends at an input that does not fit the run, and says so", () => {
    const recording = read(recorded());
    const [first, last] = recording.inputs as [StampedInput, StampedInput];
    for (const moved of [
      { ...first, step: first.step + 1 },
      { ...first, time: 4000 },
    ]) {
      expect(() => replayed({ ...recording, inputs: [moved, last] })).toThrow(ReplayError);
    }
  });

  test("is only of the world that was recorded, in its version", () => {
    const recording = read(recorded());
    const other = { ...blueprint, name: "other" };
    const newer = { ...blueprint, version: 2 };
    expect(() => replayWorld(recording, other, [])).toThrow(
      "the recording is of a world tokens, not other",
    );
    expect(() => replayWorld(recording, newer, [])).toThrow("this program has version 2");
  });

  test("is only with the images that were recorded", () => {
    const recording = read(recorded({ adding: "image" }, [program]));
    expect(verifyReplay(recording, replayed(recording, [program]))).toBe(null);
    expect(() => replayed(recording)).toThrow("image program: not given");
    const other = { ...program, sha256: "6".repeat(64) };
    expect(() => replayed(recording, [other])).toThrow("image program: SHA-256 is 6666");
  });

  test("has its configuration checked as if it came from the user", () => {
    const recording = read(recorded());
    const { header } = recording;
    const setup = { ...header.setup, config: { nodes: 0 } };
    const changed = { ...recording, header: { ...header, setup } };
    expect(() => replayWorld(changed, blueprint, [])).toThrow("tokens: nodes is a whole number");
  });
});

describe("a recording", () => {
  test("keeps its set-up, faults with their details and the schedule too", () => {
    const setup = {
      config: tokens.parse({}),
      seed: "s\u00e9\u{1f600}",
      epochCycles: 700,
      sliceCycles: 70,
      schedule: { priorities: [2, 1], changePoints: [3, 30], windowCycles: 90 },
      faults: [{ time: 5, target: "ring", kind: "lose", detail: { deep: [1, null] } }],
      mutants: [],
    };
    const world = World.create(tokens, setup);
    let text = "";
    new RecordingWriter(world, [], (piece) => (text += piece)).close(world);
    expect(read(text).header.setup).toEqual(setup);
  });

  test("ends where its run has been, not before", () => {
    const world = World.create(tokens, { config: tokens.parse({}), epochCycles: 1000 });
    world.keepTimeline({ everyCycles: 500, maxSnapshots: 40, maxBytes: 1 << 30 });
    let text = "";
    const writer = new RecordingWriter(world, [], (piece) => (text += piece));
    world.observe(writer);
    world.runUntil(1700);
    world.input("ring", "insert", 3);
    world.seek(1200);
    expect(() => writer.close(world)).toThrow("gone back in time");
    world.seek(800);
    expect(() => writer.close(world)).toThrow("gone back in time");
    world.seek(1750);
    writer.close(world);
    const recording = read(text);
    expect(verifyReplay(recording, replayed(recording))).toBe(null);
  });

  test("ends between decisions, also when it is closed in the middle of a slice", () => {
    const world = World.create(tokens, { config: tokens.parse({}) });
    let text = "";
    const writer = new RecordingWriter(world, [], (piece) => (text += piece));
    world.observe(writer);
    world.runInto("cpu0", 7);
    writer.close(world);
    const recording = read(text);
    expect(verifyReplay(recording, replayed(recording))).toBe(null);
  });

  test("of another format version is refused by its number", () => {
    const text = recorded().replace('"version":1,', '"version":2,');
    expect(() => read(text)).toThrow("r: recording format version 2; this program reads version 1");
  });

  test("that something else follows, or that is something else, is called so", () => {
    const text = recorded();
    expect(() => read(`${text}x\n`)).toThrow("follows the end");
    expect(() => read(`${text}x`)).toThrow("truncated in line");
    expect(() => read("hello\n")).toThrow("r: not a kvmsim recording");
    expect(() => read("")).toThrow("r: not a kvmsim recording: the file is empty");
  });
});
