/** PMADDWD: sums of two neighbouring products of words. SDM Vol. 2B, "PMADDWD—Multiply and Add Packed Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMADDWD = vectorInstruction("PMADDWD", {
  feature: "SSE2",
  forms: [
    ["NP 0F F5 /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F F5 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulAddSigned", 16),
});
