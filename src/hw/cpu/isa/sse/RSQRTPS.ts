/**
 * RSQRTPS: approximate reciprocal square roots of four singles; no exceptions.
 * SDM Vol. 2B, "RSQRTPS—Compute Reciprocals of Square Roots of Packed Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const RSQRTPS = vectorInstruction("RSQRTPS", {
  feature: "SSE",
  forms: [["NP 0F 52 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("reciprocalRoot", PS),
});
