/**
 * CVTPS2DQ: four singles to integers of 32 bits.
 * SDM Vol. 2A, "CVTPS2DQ—Convert Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPS2DQ = vectorInstruction("CVTPS2DQ", {
  feature: "SSE2",
  forms: [["66 0F 5B /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("toInteger", PS, 128),
});
