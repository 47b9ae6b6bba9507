/**
 * MOVHPD: the high half of a register to or from memory.
 * SDM Vol. 2B, "MOVHPD—Move High Packed Double Precision Floating-Point Value".
 */

import { moveHalf } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVHPD = vectorInstruction("MOVHPD", {
  feature: "SSE2",
  forms: [
    ["66 0F 16 /r", "xmm1, m64"],
    ["66 0F 17 /r", "m64, xmm1"],
  ],
  semantics: moveHalf(1),
});
