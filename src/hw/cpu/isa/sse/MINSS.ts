/**
 * MINSS: the minimum of the lowest singles.
 * SDM Vol. 2B, "MINSS—Return Minimum Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const MINSS = vectorInstruction("MINSS", {
  feature: "SSE",
  forms: [["F3 0F 5D /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("min", SS),
});
