/** PMULDQ: products of the even signed doublewords. SDM Vol. 2B, "PMULDQ—Multiply Packed Doubleword Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULDQ = vectorInstruction("PMULDQ", {
  feature: "SSE4.1",
  forms: [["66 0F 38 28 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("mulEvenSigned", 32),
});
