/**
 * MOVLPD: the low half of a register to or from memory.
 * SDM Vol. 2B, "MOVLPD—Move Low Packed Double Precision Floating-Point Value".
 */

import { moveHalf } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVLPD = vectorInstruction("MOVLPD", {
  feature: "SSE2",
  forms: [
    ["66 0F 12 /r", "xmm1, m64"],
    ["66 0F 13 /r", "m64, xmm1"],
  ],
  semantics: moveHalf(0),
});
