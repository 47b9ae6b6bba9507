/** MULPS: the products of four singles. SDM Vol. 2B, "MULPS—Multiply Packed Single Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const MULPS = vectorInstruction("MULPS", {
  feature: "SSE",
  forms: [["NP 0F 59 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("mul", PS),
});
