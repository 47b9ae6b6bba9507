/**
 * PMULHW: high halves of the products of signed words.
 * SDM Vol. 2B, "PMULHW—Multiply Packed Signed Integers and Store High Result".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULHW = vectorInstruction("PMULHW", {
  feature: "SSE2",
  forms: [
    ["NP 0F E5 /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F E5 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulHighSigned", 16),
});
