/**
 * PMULLD: low halves of the products of doublewords.
 * SDM Vol. 2B, "PMULLD/PMULLQ—Multiply Packed Integers and Store Low Result".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMULLD = vectorInstruction("PMULLD", {
  feature: "SSE4.1",
  forms: [["66 0F 38 40 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("mul", 32),
});
