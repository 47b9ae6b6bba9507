/**
 * MINPS: the minimums of four singles.
 * SDM Vol. 2B, "MINPS—Minimum of Packed Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const MINPS = vectorInstruction("MINPS", {
  feature: "SSE",
  forms: [["NP 0F 5D /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("min", PS),
});
