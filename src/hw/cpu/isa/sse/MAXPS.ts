/**
 * MAXPS: the maximums of four singles.
 * SDM Vol. 2B, "MAXPS—Maximum of Packed Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const MAXPS = vectorInstruction("MAXPS", {
  feature: "SSE",
  forms: [["NP 0F 5F /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("max", PS),
});
