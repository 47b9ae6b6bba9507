/**
 * SQRTSS: the square root of the lowest single.
 * SDM Vol. 2B, "SQRTSS—Compute Square Root of Scalar Single Precision Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const SQRTSS = vectorInstruction("SQRTSS", {
  feature: "SSE",
  forms: [["F3 0F 51 /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("sqrt", SS),
});
