/**
 * PMULUDQ: products of the even unsigned doublewords.
 * SDM Vol. 2B, "PMULUDQ—Multiply Packed Unsigned Doubleword Integers".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULUDQ = vectorInstruction("PMULUDQ", {
  feature: "SSE2",
  forms: [
    ["NP 0F F4 /r", "mm, mm/m64"],
    ["66 0F F4 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulEvenUnsigned", 32),
});
