/**
 * ROUNDSS: the lowest single rounded to an integer.
 * SDM Vol. 2B, "ROUNDSS—Round Scalar Single Precision Floating-Point Values".
 */

import { scalarFloatBy } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const ROUNDSS = vectorInstruction("ROUNDSS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 0A /r ib", "xmm1, xmm2/m32, imm8"]],
  semantics: scalarFloatBy("round", SS),
});
