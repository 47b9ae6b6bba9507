/** ADDPS: the sums of four singles. SDM Vol. 2A, "ADDPS—Add Packed Single Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const ADDPS = vectorInstruction("ADDPS", {
  feature: "SSE",
  forms: [["NP 0F 58 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("add", PS),
});
