/**
 * SQRTPS: the square roots of four singles.
 * SDM Vol. 2B, "SQRTPS—Square Root of Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const SQRTPS = vectorInstruction("SQRTPS", {
  feature: "SSE",
  forms: [["NP 0F 51 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("sqrt", PS),
});
