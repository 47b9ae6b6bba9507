/**
 * UNPCKLPS: the low singles of two registers in turn.
 * SDM Vol. 2B, "UNPCKLPS—Unpack and Interleave Low Packed Single Precision Floating-Point Values".
 */

import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const UNPCKLPS = vectorInstruction("UNPCKLPS", {
  feature: "SSE",
  forms: [["NP 0F 14 /r", "xmm1, xmm2/m128"]],
  semantics: interleave(32, "low"),
});
