/**
 * PMULHUW: high halves of the products of unsigned words.
 * SDM Vol. 2B, "PMULHUW—Multiply Packed Unsigned Integers and Store High Result".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULHUW = vectorInstruction("PMULHUW", {
  feature: "SSE2",
  forms: [
    ["NP 0F E4 /r", "mm, mm/m64", { feature: "SSE" }],
    ["66 0F E4 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulHighUnsigned", 16),
});
