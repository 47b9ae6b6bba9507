/**
 * HSUBPS: differences of neighbouring singles.
 * SDM Vol. 2A, "HSUBPS—Packed Single Precision Floating-Point Horizontal Subtract".
 */

import { horizontalFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const HSUBPS = vectorInstruction("HSUBPS", {
  feature: "SSE3",
  forms: [["F2 0F 7D /r", "xmm1, xmm2/m128"]],
  semantics: horizontalFloat("sub", PS),
});
