/**
 * SQRTSD: the square root of the lowest double.
 * SDM Vol. 2B, "SQRTSD—Compute Square Root of Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const SQRTSD = vectorInstruction("SQRTSD", {
  feature: "SSE2",
  forms: [["F2 0F 51 /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("sqrt", SD),
});
