/**
 * MOVLPS: the low half of a register to or from memory.
 * SDM Vol. 2B, "MOVLPS—Move Low Packed Single Precision Floating-Point Values".
 */

import { moveHalf } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVLPS = vectorInstruction("MOVLPS", {
  feature: "SSE",
  forms: [
    ["NP 0F 12 /r", "xmm1, m64"],
    ["NP 0F 13 /r", "m64, xmm1"],
  ],
  semantics: moveHalf(0),
});
