/**
 * UNPCKLPD: the low doubles of two registers in turn.
 * SDM Vol. 2B, "UNPCKLPD—Unpack and Interleave Low Packed Double Precision Floating-Point Values".
 */

import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const UNPCKLPD = vectorInstruction("UNPCKLPD", {
  feature: "SSE2",
  forms: [["66 0F 14 /r", "xmm1, xmm2/m128"]],
  semantics: interleave(64, "low"),
});
