/** What the lines of a recording must look like. A recording is input from outside: nothing in it is believed. */

import { InputError } from "./assert.ts";
import type { Json } from "./data.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import type { StampedInput } from "./inputs.ts";
import { mutantCalled } from "./mutants.ts";
import type { ImageNeed, RecordedSetup, RecordingEnd, RecordingHeader } from "./recording.ts";
import type { SchedulePlan } from "./schedule.ts";

type JsonObject = { readonly [key: string]: Json };

const MAX_PLAN_ENTRIES = 1_000_000;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isWhole = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function expect(holds: boolean, place: string, expected: string): asserts holds {
  if (!holds) throw new InputError(`${place}: expected ${expected}`);
}

const isDigest = (value: Json | undefined): value is string =>
  typeof value === "string" && /^[0-9a-f]{32}$/.test(value);

export function checkHeader(value: Json, place: string): RecordingHeader {
  expect(isObject(value), place, "a header");
  const world = value["world"];
  expect(isObject(world), place, "the world's name and version");
  const { name, version } = world;
  expect(typeof name === "string" && isWhole(version), place, "the world's name and version");
  const { images } = value;
  expect(Array.isArray(images), place, "a list of images");
  return {
    kvmsim: "recording",
    version: value["version"] as number,
    world: { name, version },
    setup: checkSetup(value["setup"], place),
    images: (images as readonly Json[]).map((image) => checkImage(image, place)),
  };
}

/** A set-up from outside; the configuration itself is for the blueprint to check. */
export function checkSetup(value: Json | undefined, place: string): RecordedSetup {
  expect(isObject(value), place, "a set-up");
  const { config, seed, epochCycles, sliceCycles, schedule, faults, mutants = [] } = value;
  expect(config !== undefined, place, "a configuration");
  expect(typeof seed === "string", place, "a seed, as text");
  expect(isWhole(epochCycles), place, "the length of an epoch in cycles");
  expect(
    isWhole(sliceCycles) && sliceCycles > 0,
    place,
    "the length of a slice in cycles, at least 1",
  );
  return {
    config,
    seed,
    epochCycles,
    sliceCycles,
    schedule: schedule === null ? null : checkSchedule(schedule, place),
    faults: checkFaultPlan(faults, place),
    mutants: checkMutants(mutants, place),
  };
}

export function checkSchedule(value: Json | undefined, place: string): SchedulePlan {
  expect(isObject(value), place, "a schedule plan or null");
  const { priorities, changePoints, windowCycles } = value;
  const isList = (list: Json | undefined): list is readonly number[] =>
    Array.isArray(list) &&
    list.length <= MAX_PLAN_ENTRIES &&
    list.every((item) => isWhole(item as Json));
  expect(isList(priorities), place, "priorities, as a list of whole numbers");
  expect(isList(changePoints), place, "change points, as a list of whole numbers");
  expect(isWhole(windowCycles), place, "the window of the schedule in cycles");
  return { priorities, changePoints, windowCycles };
}

export function checkFaultPlan(value: Json | undefined, place: string): FaultPlan {
  expect(Array.isArray(value) && value.length <= MAX_PLAN_ENTRIES, place, "a list of faults");
  return (value as readonly Json[]).map((fault) => checkFault(fault, place));
}

/** Names of mutants that there are. */
function checkMutants(value: Json, place: string): readonly string[] {
  expect(Array.isArray(value), place, "a list of mutants");
  return (value as readonly Json[]).map((id) => {
    expect(typeof id === "string", place, "the name of a mutant");
    return mutantCalled(id).id;
  });
}

function checkFault(value: Json, place: string): Fault {
  expect(isObject(value), place, "a fault");
  const { time, target, kind, detail } = value;
  expect(isWhole(time), place, "the time of a fault in cycles");
  expect(
    typeof target === "string" && typeof kind === "string",
    place,
    "the target and kind of a fault",
  );
  return detail === undefined ? { time, target, kind } : { time, target, kind, detail };
}

function checkImage(value: Json, place: string): ImageNeed {
  expect(isObject(value), place, "an image");
  const { name, sizeBytes, sha256 } = value;
  expect(typeof name === "string" && isWhole(sizeBytes), place, "the name and size of an image");
  expect(
    typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256),
    place,
    "the SHA-256 of an image",
  );
  return { name, sizeBytes, sha256 };
}

export function checkInput(
  value: Json,
  before: StampedInput | undefined,
  place: string,
): StampedInput {
  expect(
    Array.isArray(value) && value.length === 5,
    place,
    "an input's step, time, target, kind and payload",
  );
  const [step, time, target, kind, payload] = value as readonly Json[];
  expect(isWhole(step) && isWhole(time), place, "an input's step and time");
  expect(
    typeof target === "string" && typeof kind === "string",
    place,
    "an input's target and kind",
  );
  const inOrder = before === undefined || (step > before.step && time >= before.time);
  expect(inOrder, place, "an input later than the one before");
  return { step, time, target, kind, payload: payload as Json };
}

export function checkEpoch(value: Json, expectedIndex: number, place: string): string {
  expect(Array.isArray(value) && value.length === 2, place, "an epoch's index and digest");
  const [index, digest] = value as readonly Json[];
  expect(index === expectedIndex, place, `epoch ${expectedIndex}`);
  expect(isDigest(digest), place, "a digest");
  return digest;
}

export function checkEnd(
  value: Json,
  taken: readonly StampedInput[],
  epochs: number,
  place: string,
): RecordingEnd {
  expect(isObject(value), place, "the end of the run");
  const { time, steps, digest } = value;
  expect(isWhole(time) && isWhole(steps), place, "the time and step of the end");
  expect(isDigest(digest), place, "a digest");
  const last = taken.at(-1);
  const isPast = last === undefined || (last.step < steps && last.time <= time);
  expect(isPast, place, "an end later than the last input");
  const inputs = taken.length;
  expect(
    value["inputs"] === inputs && value["epochs"] === epochs,
    place,
    `${inputs} inputs and ${epochs} epochs`,
  );
  return { time, steps, digest, inputs, epochs };
}
