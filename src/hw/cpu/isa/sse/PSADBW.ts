/**
 * PSADBW: in each half the sum of absolute differences of bytes.
 * SDM Vol. 2B, "PSADBW—Compute Sum of Absolute Differences".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSADBW = vectorInstruction("PSADBW", {
  feature: "SSE2",
  forms: [
    ["NP 0F F6 /r", "mm, mm/m64", { feature: "SSE" }],
    ["66 0F F6 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("sumOfDifferences", 8),
});
