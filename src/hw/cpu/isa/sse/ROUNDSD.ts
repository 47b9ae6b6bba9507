/**
 * ROUNDSD: the lowest double rounded to an integer.
 * SDM Vol. 2B, "ROUNDSD—Round Scalar Double Precision Floating-Point Values".
 */

import { scalarFloatBy } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const ROUNDSD = vectorInstruction("ROUNDSD", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 0B /r ib", "xmm1, xmm2/m64, imm8"]],
  semantics: scalarFloatBy("round", SD),
});
