/** PACKUSDW: doublewords as words, saturated as unsigned. SDM Vol. 2B, "PACKUSDW—Pack With Unsigned Saturation". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PACKUSDW = vectorInstruction("PACKUSDW", {
  feature: "SSE4.1",
  forms: [["66 0F 38 2B /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("packUnsigned", 32),
});
