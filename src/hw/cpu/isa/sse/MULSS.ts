/**
 * MULSS: the product of the lowest singles.
 * SDM Vol. 2B, "MULSS—Multiply Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const MULSS = vectorInstruction("MULSS", {
  feature: "SSE",
  forms: [["F3 0F 59 /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("mul", SS),
});
