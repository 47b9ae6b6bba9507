/**
 * CMPSD: whether the lowest doubles stand in the relation that the immediate names, as ones or zeros.
 * SDM Vol. 2A, "CMPSD—Compare Scalar Double Precision Floating-Point Value".
 */

import { scalarFloatBy } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const CMPSD = vectorInstruction("CMPSD", {
  feature: "SSE2",
  forms: [["F2 0F C2 /r ib", "xmm1, xmm2/m64, imm8"]],
  semantics: scalarFloatBy("compare", SD),
});
