/**
 * DIVSS: the quotient of the lowest singles.
 * SDM Vol. 2A, "DIVSS—Divide Scalar Single Precision Floating-Point Values".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const DIVSS = vectorInstruction("DIVSS", {
  feature: "SSE",
  forms: [["F3 0F 5E /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("div", SS),
});
