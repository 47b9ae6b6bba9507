/** The simulated CPU answers as a real one did: every frozen vector by the reference, some by the interpreter. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { differences, isBeyondLimit, runModel } from "./model.ts";
import { type DecodedVector, decodeVectors } from "./vectors.ts";

const FOLDER = "fixtures/native";
const FEWEST_CASES = 5000;
const INTERPRETED_ONE_IN = 16;

function differencesOf({ input, result }: DecodedVector, isBoth: boolean): readonly string[] {
  const reference = runModel("reference", input);
  if (input.mode === 32 && isBeyondLimit(result, reference)) return [];
  const found = differences(result, reference, reference.undefinedFlags);
  if (found.length > 0 || !isBoth) return found;
  return differences(result, runModel("interpreter", input), reference.undefinedFlags);
}

test("frozen answers of a CPU are the answers here", () => {
  const found: string[] = [];
  let cases = 0;
  for (const file of readdirSync(FOLDER)) {
    const { groups } = decodeVectors(readFileSync(`${FOLDER}/${file}`));
    for (const { form, vectors } of groups) {
      for (const vector of vectors) {
        cases += 1;
        const different = differencesOf(vector, cases % INTERPRETED_ONE_IN === 0);
        if (different.length > 0)
          found.push(`${form}, seed ${vector.seed}: ${different.join("; ")}`);
      }
    }
  }
  expect(found).toEqual([]);
  expect(cases).toBeGreaterThan(FEWEST_CASES);
});
