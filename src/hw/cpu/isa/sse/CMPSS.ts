/**
 * CMPSS: whether the lowest singles stand in the relation that the immediate names, as ones or zeros.
 * SDM Vol. 2A, "CMPSS—Compare Scalar Single Precision Floating-Point Value".
 */

import { scalarFloatBy } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const CMPSS = vectorInstruction("CMPSS", {
  feature: "SSE",
  forms: [["F3 0F C2 /r ib", "xmm1, xmm2/m32, imm8"]],
  semantics: scalarFloatBy("compare", SS),
});
