/**
 * HSUBPD: differences of neighbouring doubles.
 * SDM Vol. 2A, "HSUBPD—Packed Double Precision Floating-Point Horizontal Subtract".
 */

import { horizontalFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const HSUBPD = vectorInstruction("HSUBPD", {
  feature: "SSE3",
  forms: [["66 0F 7D /r", "xmm1, xmm2/m128"]],
  semantics: horizontalFloat("sub", PD),
});
