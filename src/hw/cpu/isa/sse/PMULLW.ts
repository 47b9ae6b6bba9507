/**
 * PMULLW: low halves of the products of words.
 * SDM Vol. 2B, "PMULLW—Multiply Packed Signed Integers and Store Low Result".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULLW = vectorInstruction("PMULLW", {
  feature: "SSE2",
  forms: [
    ["NP 0F D5 /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F D5 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mul", 16),
});
