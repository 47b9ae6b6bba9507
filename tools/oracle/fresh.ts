/** Questions to the CPU of this machine that nobody has put before, and the simulated CPU's answers beside its own. */

import { disagreement } from "./agreement.ts";
import type { FormToFreeze } from "./freeze.ts";
import { ENGINES } from "./model.ts";
import { type Oracle, refusal, runNative } from "./native.ts";
import type { NativeCase } from "./records.ts";
import { vectorInput } from "./vectors.ts";

const INTERPRETED_ONE_IN = 4;

export interface Asked {
  readonly cases: number;
  readonly different: readonly string[];
}

/** In what the simulated CPU differs from this machine's, for so many seeds of a form. */
export function askFresh(
  oracle: Oracle,
  { mnemonic, form, mode, encodings }: FormToFreeze,
  { firstSeed, count }: { readonly firstSeed: number; readonly count: number },
): Asked {
  const inputs: readonly NativeCase[] = Array.from(
    { length: count },
    (_, i) => firstSeed + i,
  ).flatMap((seed) => {
    const encoding = encodings(seed);
    if (encoding === undefined || refusal(encoding.code, mode) !== undefined) return [];
    return [vectorInput(mnemonic, form, mode, { seed, ...encoding })];
  });
  const different = runNative(oracle, inputs).flatMap((native, i) => {
    const input = inputs[i] as NativeCase;
    const found = disagreement(
      mnemonic,
      input,
      native,
      i % INTERPRETED_ONE_IN === 0 ? ENGINES : ["reference"],
    );
    const code = Buffer.from(input.code).toString("hex");
    return found.length === 0 ? [] : [`${mode}-bit ${form} (${code}): ${found.join("; ")}`];
  });
  return { cases: inputs.length, different };
}
