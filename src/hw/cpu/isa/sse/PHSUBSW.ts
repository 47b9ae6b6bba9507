/**
 * PHSUBSW: differences of neighbouring words, saturated.
 * SDM Vol. 2B, "PHSUBSW—Packed Horizontal Subtract and Saturate".
 */

import { horizontalInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PHSUBSW = vectorInstruction("PHSUBSW", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 38 07 /r", "mm, mm/m64"],
    ["66 0F 38 07 /r", "xmm1, xmm2/m128"],
  ],
  semantics: horizontalInteger("subSaturateSigned", 16),
});
