/**
 * HADDPD: sums of neighbouring doubles.
 * SDM Vol. 2A, "HADDPD—Packed Double Precision Floating-Point Horizontal Add".
 */

import { horizontalFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const HADDPD = vectorInstruction("HADDPD", {
  feature: "SSE3",
  forms: [["66 0F 7C /r", "xmm1, xmm2/m128"]],
  semantics: horizontalFloat("add", PD),
});
