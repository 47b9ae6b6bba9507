/**
 * ROUNDPD: two doubles rounded to integers.
 * SDM Vol. 2B, "ROUNDPD—Round Packed Double Precision Floating-Point Values".
 */

import { packedFloatBy } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const ROUNDPD = vectorInstruction("ROUNDPD", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 09 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: packedFloatBy("round", PD),
});
