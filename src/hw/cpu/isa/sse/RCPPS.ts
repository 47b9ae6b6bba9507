/**
 * RCPPS: approximate reciprocals of four singles; no exceptions.
 * SDM Vol. 2B, "RCPPS—Compute Reciprocals of Packed Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const RCPPS = vectorInstruction("RCPPS", {
  feature: "SSE",
  forms: [["NP 0F 53 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("reciprocal", PS),
});
