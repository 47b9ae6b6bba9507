/** PSUBQ: differences. SDM Vol. 2B, "PSUBQ—Subtract Packed Quadword Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSUBQ = vectorInstruction("PSUBQ", {
  feature: "SSE2",
  forms: [
    ["NP 0F FB /r", "mm, mm/m64"],
    ["66 0F FB /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("sub", 64),
});
