/** PANDN: not the first, and the second. SDM Vol. 2B, "PANDN—Logical AND NOT". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PANDN = vectorInstruction("PANDN", {
  feature: "SSE2",
  forms: [
    ["NP 0F DF /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F DF /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("andNot", 64),
});
