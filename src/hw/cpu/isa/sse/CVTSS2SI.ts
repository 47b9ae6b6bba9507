/**
 * CVTSS2SI: a single to an integer.
 * SDM Vol. 2A, "CVTSS2SI—Convert Scalar Single Precision Floating-Point Value to Doubleword Integer".
 */

import { toGeneral } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSS2SI = vectorInstruction("CVTSS2SI", {
  feature: "SSE",
  forms: [
    ["F3 0F 2D /r", "r32, xmm1/m32"],
    ["F3 REX.W 0F 2D /r", "r64, xmm1/m32"],
  ],
  semantics: toGeneral("toInteger", SS),
});
