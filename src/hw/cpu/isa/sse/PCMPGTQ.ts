/** PCMPGTQ: ones where greater, as signed. SDM Vol. 2B, "PCMPGTQ—Compare Packed Data for Greater Than". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPGTQ = vectorInstruction("PCMPGTQ", {
  feature: "SSE4.2",
  forms: [["66 0F 38 37 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("gtSigned", 64),
});
