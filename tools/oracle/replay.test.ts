/** The simulated CPU answers as a real one did: some frozen answers of every form, other ones with another seed. */

import process from "node:process";
import { expect, test } from "vitest";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import { replay, vectorFiles } from "./replay.ts";

const FEWEST_FORMS = 2370;
const CASES_PER_FORM = 3;
const SHOWN_MAX = 20;

test("frozen answers of a CPU are the answers here", () => {
  const seed = process.env["KVMSIM_SEED"] ?? String(DEFAULT_SEED);
  const sample = { casesPerForm: CASES_PER_FORM, seed };
  const { forms, cases, interpreted, different } = replay({ sample, interpretOneIn: 16 });
  expect(different.slice(0, SHOWN_MAX), `seed ${seed}`).toEqual([]);
  expect(forms).toBeGreaterThanOrEqual(FEWEST_FORMS);
  expect(cases).toBe(forms * CASES_PER_FORM);
  expect(interpreted).toBeGreaterThan(cases / 32);
});

test("names that groups share are told apart", () => {
  expect(vectorFiles()).toEqual(
    expect.arrayContaining(["integer/MOVSD.vec.br", "sse/MOVSD.vec.br", "sse/CMPSD.vec.br"]),
  );
});
