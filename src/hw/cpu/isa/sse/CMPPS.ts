/**
 * CMPPS: whether four singles stand in the relation that the immediate names, as ones or zeros.
 * SDM Vol. 2A, "CMPPS—Compare Packed Single Precision Floating-Point Values".
 */

import { packedFloatBy } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CMPPS = vectorInstruction("CMPPS", {
  feature: "SSE",
  forms: [["NP 0F C2 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: packedFloatBy("compare", PS),
});
