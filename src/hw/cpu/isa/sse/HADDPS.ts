/**
 * HADDPS: sums of neighbouring singles.
 * SDM Vol. 2A, "HADDPS—Packed Single Precision Floating-Point Horizontal Add".
 */

import { horizontalFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const HADDPS = vectorInstruction("HADDPS", {
  feature: "SSE3",
  forms: [["F2 0F 7C /r", "xmm1, xmm2/m128"]],
  semantics: horizontalFloat("add", PS),
});
