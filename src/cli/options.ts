/** Values of options: what each may be, and one clear line when it is something else. */

import type { Cycles, ImageAtHand, Json, SchedulePlan } from "../api/index.ts";
import { drawSchedulePlan, InputError, RandomStreams } from "../api/index.ts";
import { loadImage, readSchedule } from "../api/node.ts";

const CYCLES_OF_UNIT: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1000,
  ms: 1_000_000,
  s: 1_000_000_000,
};

/** An option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Cycles of virtual time: a whole number, bare or with ns, us, ms or s. */
export function cyclesOf(text: string, option: string): Cycles {
  const [, digits, unit = "ns"] = /^(\d{1,16})(ns|us|ms|s)?$/.exec(text) ?? [];
  const cycles = Number(digits) * (CYCLES_OF_UNIT[unit] as number);
  if (!Number.isSafeInteger(cycles)) {
    throw new InputError(
      `${option} ${text}: expected cycles of 1 ns, as 5000 or 5us, 2ms, 1s, below 2^53`,
    );
  }
  return cycles;
}

/** Words between commas; there is one at least. */
export function listOf(text: string, option: string): readonly string[] {
  const words = text.split(",");
  if (words.some((word) => word === ""))
    throw new InputError(`${option} ${text}: expected words with commas between them`);
  return words;
}

export function wholeOf(text: string, option: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new InputError(`${option} ${text}: expected a whole number`);
  return value;
}

/** Decisions among which a drawn plan puts its change points: about what a kernel takes to boot. */
const PLANNED_DECISIONS = 1_000_000;
/** Slices that a CPU may run ahead of the one furthest behind. */
const WINDOW_SLICES = 100;

/** A plan in a file, or `pct:DEPTH`, which is drawn from the seed. */
export function scheduleOf(
  text: string,
  seed: string,
  runners: number,
  sliceCycles: Cycles,
): SchedulePlan {
  const [, depth] = /^pct:([1-9]\d{0,3})$/.exec(text) ?? [];
  if (depth === undefined) return readSchedule(text);
  const stream = new RandomStreams(seed).stream("schedule");
  const window = WINDOW_SLICES * sliceCycles;
  return drawSchedulePlan(stream, runners, Number(depth), PLANNED_DECISIONS, window);
}

/** `key=value` settings as a configuration; a value that is no JSON is text. */
export function settingsOf(settings: readonly string[] = []): { readonly [key: string]: Json } {
  return Object.fromEntries(
    settings.map((setting) => {
      const [key, value] = splitOnce(setting, "=", "--set", "KEY=VALUE");
      return [key, jsonOrText(value)];
    }),
  );
}

function jsonOrText(value: string): Json {
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

/** `NAME=FILE` images, read and hashed. */
export function imagesOf(images: readonly string[] = []): readonly ImageAtHand[] {
  return images.map((image) => loadImage(...splitOnce(image, "=", "--image", "NAME=FILE")));
}

export interface GivenInput {
  readonly time: Cycles;
  readonly target: string;
  readonly kind: string;
  readonly payload: Json;
}

/** `TIME:TARGET:KIND[:JSON]` inputs in the order of time; those of one time in the order given. */
export function inputsOf(inputs: readonly string[] = []): readonly GivenInput[] {
  return inputs.map(inputOf).toSorted((a, b) => a.time - b.time);
}

function inputOf(text: string): GivenInput {
  const [, time = "", target = "", kind = "", json = "null"] =
    /^([^:]+):([^:]+):([^:]+)(?::(.*))?$/s.exec(text) ?? [];
  if (kind === "") throw new InputError(`--input ${text}: expected TIME:TARGET:KIND[:JSON]`);
  try {
    return { time: cyclesOf(time, "--input"), target, kind, payload: JSON.parse(json) as Json };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`--input ${text}: what follows ${kind} is no JSON`);
  }
}

function splitOnce(text: string, mark: string, option: string, form: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 1) throw new InputError(`${option} ${text}: expected ${form}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
