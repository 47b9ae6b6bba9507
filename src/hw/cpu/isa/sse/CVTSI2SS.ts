/**
 * CVTSI2SS: an integer to a single.
 * SDM Vol. 2A, "CVTSI2SS—Convert Doubleword Integer to Scalar Single Precision Floating-Point Value".
 */

import { fromGeneral } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSI2SS = vectorInstruction("CVTSI2SS", {
  feature: "SSE",
  forms: [
    ["F3 0F 2A /r", "xmm1, r/m32"],
    ["F3 REX.W 0F 2A /r", "xmm1, r/m64"],
  ],
  semantics: fromGeneral(SS),
});
