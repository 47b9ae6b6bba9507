/**
 * MAXSS: the maximum of the lowest singles.
 * SDM Vol. 2B, "MAXSS—Return Maximum Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const MAXSS = vectorInstruction("MAXSS", {
  feature: "SSE",
  forms: [["F3 0F 5F /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("max", SS),
});
