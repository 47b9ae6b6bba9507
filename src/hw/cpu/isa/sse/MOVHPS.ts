/**
 * MOVHPS: the high half of a register to or from memory.
 * SDM Vol. 2B, "MOVHPS—Move High Packed Single Precision Floating-Point Values".
 */

import { moveHalf } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVHPS = vectorInstruction("MOVHPS", {
  feature: "SSE",
  forms: [
    ["NP 0F 16 /r", "xmm1, m64"],
    ["NP 0F 17 /r", "m64, xmm1"],
  ],
  semantics: moveHalf(1),
});
