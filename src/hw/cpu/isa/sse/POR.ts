/** POR: bitwise or. SDM Vol. 2B, "POR—Bitwise Logical OR". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const POR = vectorInstruction("POR", {
  feature: "SSE2",
  forms: [
    ["NP 0F EB /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F EB /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("or", 64),
});
