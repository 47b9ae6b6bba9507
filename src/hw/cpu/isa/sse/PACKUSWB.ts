/** PACKUSWB: words as bytes, saturated as unsigned. SDM Vol. 2B, "PACKUSWB—Pack With Unsigned Saturation". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PACKUSWB = vectorInstruction("PACKUSWB", {
  feature: "SSE2",
  forms: [
    ["NP 0F 67 /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F 67 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("packUnsigned", 16),
});
