/**
 * MOVMSKPS: the signs of four singles.
 * SDM Vol. 2B, "MOVMSKPS—Extract Packed Single Precision Floating-Point Sign Mask".
 */

import { moveMask } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVMSKPS = vectorInstruction("MOVMSKPS", {
  feature: "SSE",
  forms: [["NP 0F 50 /r", "reg, xmm"]],
  semantics: moveMask(32),
});
