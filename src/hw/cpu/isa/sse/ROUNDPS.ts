/**
 * ROUNDPS: four singles rounded to integers.
 * SDM Vol. 2B, "ROUNDPS—Round Packed Single Precision Floating-Point Values".
 */

import { packedFloatBy } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const ROUNDPS = vectorInstruction("ROUNDPS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 08 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: packedFloatBy("round", PS),
});
