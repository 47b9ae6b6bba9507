/**
 * MOVAPD: a whole register, aligned in memory.
 * SDM Vol. 2B, "MOVAPD—Move Aligned Packed Double Precision Floating-Point Values".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVAPD = vectorInstruction("MOVAPD", {
  feature: "SSE2",
  forms: [
    ["66 0F 28 /r", "xmm1, xmm2/m128"],
    ["66 0F 29 /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveAligned,
});
