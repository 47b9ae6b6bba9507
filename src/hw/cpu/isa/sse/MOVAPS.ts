/**
 * MOVAPS: a whole register, aligned in memory.
 * SDM Vol. 2B, "MOVAPS—Move Aligned Packed Single Precision Floating-Point Values".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVAPS = vectorInstruction("MOVAPS", {
  feature: "SSE",
  forms: [
    ["NP 0F 28 /r", "xmm1, xmm2/m128"],
    ["NP 0F 29 /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveAligned,
});
