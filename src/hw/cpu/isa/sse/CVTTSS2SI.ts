/**
 * CVTTSS2SI: a single to an integer, truncated.
 * SDM Vol. 2A, "CVTTSS2SI—Convert With Truncation Scalar Single Precision Floating-Point Value to Integer".
 */

import { toGeneral } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTSS2SI = vectorInstruction("CVTTSS2SI", {
  feature: "SSE",
  forms: [
    ["F3 0F 2C /r", "r32, xmm1/m32"],
    ["F3 REX.W 0F 2C /r", "r64, xmm1/m32"],
  ],
  semantics: toGeneral("truncate", SS),
});
