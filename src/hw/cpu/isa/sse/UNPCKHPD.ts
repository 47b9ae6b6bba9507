/**
 * UNPCKHPD: the high doubles of two registers in turn.
 * SDM Vol. 2B, "UNPCKHPD—Unpack and Interleave High Packed Double Precision Floating-Point Values".
 */

import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const UNPCKHPD = vectorInstruction("UNPCKHPD", {
  feature: "SSE2",
  forms: [["66 0F 15 /r", "xmm1, xmm2/m128"]],
  semantics: interleave(64, "high"),
});
