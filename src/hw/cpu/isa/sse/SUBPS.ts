/**
 * SUBPS: the differences of four singles.
 * SDM Vol. 2B, "SUBPS—Subtract Packed Single Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const SUBPS = vectorInstruction("SUBPS", {
  feature: "SSE",
  forms: [["NP 0F 5C /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("sub", PS),
});
