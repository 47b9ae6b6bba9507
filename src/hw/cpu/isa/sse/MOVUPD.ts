/**
 * MOVUPD: a whole register, anywhere in memory.
 * SDM Vol. 2B, "MOVUPD—Move Unaligned Packed Double Precision Floating-Point Values".
 */

import { moveUnaligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVUPD = vectorInstruction("MOVUPD", {
  feature: "SSE2",
  forms: [
    ["66 0F 10 /r", "xmm1, xmm2/m128"],
    ["66 0F 11 /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveUnaligned,
});
