/** PHADDSW: sums of neighbouring words, saturated. SDM Vol. 2B, "PHADDSW—Packed Horizontal Add and Saturate". */

import { horizontalInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PHADDSW = vectorInstruction("PHADDSW", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 38 03 /r", "mm, mm/m64"],
    ["66 0F 38 03 /r", "xmm1, xmm2/m128"],
  ],
  semantics: horizontalInteger("addSaturateSigned", 16),
});
