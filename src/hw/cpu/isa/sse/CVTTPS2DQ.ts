/**
 * CVTTPS2DQ: four singles to integers of 32 bits, truncated.
 * SDM Vol. 2A, "CVTTPS2DQ—Convert With Truncation Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTPS2DQ = vectorInstruction("CVTTPS2DQ", {
  feature: "SSE2",
  forms: [["F3 0F 5B /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("truncate", PS, 128),
});
