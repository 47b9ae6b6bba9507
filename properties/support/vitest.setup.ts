/** Turns each law into a test, so that `vitest list --project properties` prints the specification. */

import process from "node:process";
import { test } from "vitest";
import { checkLaw, DEFAULT_SEED, setLawHost } from "./law.ts";

setLawHost((law) => {
  test(`${law.name}: ${law.says}`, () => {
    const seed = Number(process.env["KVMSIM_SEED"] ?? DEFAULT_SEED) | 0;
    const mutants = process.env["KVMSIM_MUTANTS"]?.split(",") ?? [];
    const { failure } = checkLaw(law, { seed, factor: 1, mutants });
    if (failure === null) return;
    const { message, counterexample, path } = failure;
    throw new Error(`${message}\n  for ${counterexample}\n  seed ${seed}, path ${path}`);
  });
});
