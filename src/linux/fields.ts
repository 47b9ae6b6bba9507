/** Checks of what a configuration or an administrator says, as JSON; what is wrong is refused in one line: RFC 8259. */

import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";

export type Fields = Readonly<Record<string, Json>>;

/** An object with no other keys. */
export function fieldsOf(given: Json, place: string, keys: readonly string[]): Fields {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new InputError(`${place}: expected an object`);
  for (const key of Object.keys(given))
    if (!keys.includes(key))
      throw new InputError(`${place}: nothing is called ${key}; there is ${keys.join(", ")}`);
  return given as Fields;
}

export function wholeOf(
  given: Json | undefined,
  place: string,
  least: number,
  most: number,
): number {
  const isGood =
    typeof given === "number" && Number.isInteger(given) && given >= least && given <= most;
  if (!isGood)
    throw new InputError(
      `${place} is a whole number from ${least} to ${most}, not ${JSON.stringify(given)}`,
    );
  return given;
}
