/** ADDSS: the sum of the lowest singles. SDM Vol. 2A, "ADDSS—Add Scalar Single Precision Floating-Point Values". */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const ADDSS = vectorInstruction("ADDSS", {
  feature: "SSE",
  forms: [["F3 0F 58 /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("add", SS),
});
