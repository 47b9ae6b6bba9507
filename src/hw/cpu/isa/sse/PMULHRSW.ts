/**
 * PMULHRSW: products of fractions of 16 bits, rounded.
 * SDM Vol. 2B, "PMULHRSW—Packed Multiply High With Round and Scale".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULHRSW = vectorInstruction("PMULHRSW", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 38 0B /r", "mm, mm/m64"],
    ["66 0F 38 0B /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulFraction", 16),
});
