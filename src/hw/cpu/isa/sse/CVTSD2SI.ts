/**
 * CVTSD2SI: a double to an integer.
 * SDM Vol. 2A, "CVTSD2SI—Convert Scalar Double Precision Floating-Point Value to Doubleword Integer".
 */

import { toGeneral } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSD2SI = vectorInstruction("CVTSD2SI", {
  feature: "SSE2",
  forms: [
    ["F2 0F 2D /r", "r32, xmm1/m64"],
    ["F2 REX.W 0F 2D /r", "r64, xmm1/m64"],
  ],
  semantics: toGeneral("toInteger", SD),
});
