/** Every field of a recording's lines is looked at: a wrong value in any of them is refused, with the place. */

import { expect, test } from "vitest";
import { InputError } from "./assert.ts";
import type { Json } from "./data.ts";
import { checkEnd, checkEpoch, checkHeader, checkInput, checkSetup } from "./recording-schema.ts";

const DIGEST = "0123456789abcdef0123456789abcdef";
const IMAGE = { name: "program", sizeBytes: 3, sha256: DIGEST + DIGEST };
const SCHEDULE = { priorities: [2, 0, 1], changePoints: [5, 9], windowCycles: 100 };
const FAULT = { time: 7, target: "ring", kind: "lose" };
const SETUP = {
  config: { nodes: 4 },
  seed: "1",
  epochCycles: 1000,
  sliceCycles: 50,
  schedule: SCHEDULE,
  faults: [FAULT],
  mutants: [],
};
const HEADER = {
  kvmsim: "recording",
  version: 1,
  world: { name: "tokens", version: 1 },
  setup: SETUP,
  images: [IMAGE],
};
const INPUT: readonly Json[] = [3, 40, "ring", "insert", 1];

const NO_WHOLE: readonly Json[] = [-1, 0.5, 1e300, "1", null, []];
const NO_TEXT: readonly Json[] = [1, null, ["x"]];
const NO_LIST: readonly Json[] = [{}, "x", 1, null];
const NO_OBJECT: readonly Json[] = [null, [], "x", 1];
const NO_HEX: readonly Json[] = [DIGEST.slice(1), DIGEST.toUpperCase().replace("0", "G"), 1, null];

const setup = (more: Json): Json => ({ ...SETUP, ...(more as object) });
const schedule = (more: Json): Json => setup({ schedule: { ...SCHEDULE, ...(more as object) } });
const fault = (more: Json): Json => setup({ faults: [FAULT, { ...FAULT, ...(more as object) }] });
const header = (more: Json): Json => ({ ...HEADER, ...(more as object) });
const image = (more: Json): Json => header({ images: [{ ...IMAGE, ...(more as object) }] });

type Case = readonly [string, readonly Json[], (value: Json) => unknown, string];

const ofSetup = (make: (value: Json) => Json) => (value: Json) => checkSetup(make(value), "r");
const ofHeader = (make: (value: Json) => Json) => (value: Json) => checkHeader(make(value), "r");
const ofInput = (at: number) => (value: Json) => checkInput(INPUT.with(at, value), undefined, "r");

// biome-ignore format: a row each
const CASES: readonly Case[] = [
  ["header", NO_OBJECT, ofHeader((v) => v), "a header"],
  ["world", NO_OBJECT, ofHeader((world) => header({ world })), "the world's name and version"],
  ["name", NO_TEXT, ofHeader((name) => header({ world: { name, version: 1 } })), "the world's name and version"],
  ["version", NO_WHOLE, ofHeader((version) => header({ world: { name: "x", version } })), "the world's name and version"],
  ["images", NO_LIST, ofHeader((images) => header({ images })), "a list of images"],
  ["image", NO_OBJECT, ofHeader((one) => header({ images: [one] })), "an image"],
  ["image name", NO_TEXT, ofHeader((name) => image({ name })), "the name and size of an image"],
  ["image size", NO_WHOLE, ofHeader((sizeBytes) => image({ sizeBytes })), "the name and size of an image"],
  ["image hash", NO_HEX, ofHeader((sha256) => image({ sha256 })), "the SHA-256 of an image"],
  ["set-up in a header", NO_OBJECT, ofHeader((one) => header({ setup: one })), "a set-up"],
  ["set-up", NO_OBJECT, ofSetup((v) => v), "a set-up"],
  ["seed", NO_TEXT, ofSetup((seed) => setup({ seed })), "a seed, as text"],
  ["epoch", NO_WHOLE, ofSetup((epochCycles) => setup({ epochCycles })), "the length of an epoch in cycles"],
  ["slice", [0, ...NO_WHOLE], ofSetup((sliceCycles) => setup({ sliceCycles })), "the length of a slice in cycles, at least 1"],
  ["schedule", [[], "x", 1], ofSetup((one) => setup({ schedule: one })), "a schedule plan or null"],
  ["priorities", [...NO_LIST, [1, -1], ["1"]], ofSetup((priorities) => schedule({ priorities })), "priorities, as a list of whole numbers"],
  ["change points", [...NO_LIST, [1, -1], [0.5]], ofSetup((changePoints) => schedule({ changePoints })), "change points, as a list of whole numbers"],
  ["window", NO_WHOLE, ofSetup((windowCycles) => schedule({ windowCycles })), "the window of the schedule in cycles"],
  ["faults", NO_LIST, ofSetup((faults) => setup({ faults })), "a list of faults"],
  ["fault", NO_OBJECT, ofSetup((one) => setup({ faults: [one] })), "a fault"],
  ["fault time", NO_WHOLE, ofSetup((time) => fault({ time })), "the time of a fault in cycles"],
  ["fault target", NO_TEXT, ofSetup((target) => fault({ target })), "the target and kind of a fault"],
  ["fault kind", NO_TEXT, ofSetup((kind) => fault({ kind })), "the target and kind of a fault"],
  ["mutants", NO_LIST, ofSetup((mutants) => setup({ mutants })), "a list of mutants"],
  ["mutant", NO_TEXT, ofSetup((id) => setup({ mutants: [id] })), "the name of a mutant"],
  ["input", [null, {}, [1, 2, "a", "b"], [...INPUT, 1]], (v) => checkInput(v, undefined, "r"), "an input's step, time, target, kind and payload"],
  ["input step", NO_WHOLE, ofInput(0), "an input's step and time"],
  ["input time", NO_WHOLE, ofInput(1), "an input's step and time"],
  ["input target", NO_TEXT, ofInput(2), "an input's target and kind"],
  ["input kind", NO_TEXT, ofInput(3), "an input's target and kind"],
  ["epoch line", [null, {}, [0], [0, DIGEST, 1]], (v) => checkEpoch(v, 0, "r"), "an epoch's index and digest"],
  ["epoch index", [1, -1, "0", null], (v) => checkEpoch([v, DIGEST], 0, "r"), "epoch 0"],
  ["epoch digest", NO_HEX, (v) => checkEpoch([0, v], 0, "r"), "a digest"],
  ["end", NO_OBJECT, (v) => checkEnd(v, [], 0, "r"), "the end of the run"],
];

test.each(CASES)("a recording with a wrong %s is refused", (_what, wrong, check, expected) => {
  const said = wrong.map((value) => {
    try {
      check(value);
    } catch (error) {
      if (error instanceof InputError) return error.message;
      throw error;
    }
    return `let through: ${JSON.stringify(value)}`;
  });
  expect(said).toEqual(wrong.map(() => `r: expected ${expected}`));
});

test("what is as it should be is let through", () => {
  expect(checkHeader(HEADER, "r")).toEqual(HEADER);
  expect(checkSetup(setup({ schedule: null, faults: [], epochCycles: 0 }), "r")).toMatchObject({
    schedule: null,
    epochCycles: 0,
  });
  expect(checkSetup(fault({ detail: { by: 1 } }), "r").faults[1]).toHaveProperty("detail.by", 1);
});

test("a set-up from before there were mutants has none, and one with an unknown mutant is refused", () => {
  const { mutants: _, ...before } = SETUP;
  expect(checkSetup(before, "r").mutants).toEqual([]);
  expect(() => checkSetup(setup({ mutants: ["CVE-0000-0"] }), "r")).toThrow("mutant CVE-0000-0");
});
