/**
 * SUBSS: the difference of the lowest singles.
 * SDM Vol. 2B, "SUBSS—Subtract Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const SUBSS = vectorInstruction("SUBSS", {
  feature: "SSE",
  forms: [["F3 0F 5C /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("sub", SS),
});
