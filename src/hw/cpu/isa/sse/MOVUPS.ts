/**
 * MOVUPS: a whole register, anywhere in memory.
 * SDM Vol. 2B, "MOVUPS—Move Unaligned Packed Single Precision Floating-Point Values".
 */

import { moveUnaligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVUPS = vectorInstruction("MOVUPS", {
  feature: "SSE",
  forms: [
    ["NP 0F 10 /r", "xmm1, xmm2/m128"],
    ["NP 0F 11 /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveUnaligned,
});
