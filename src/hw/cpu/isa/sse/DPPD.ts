/**
 * DPPD: the sum of chosen products of doubles, to chosen places.
 * SDM Vol. 2A, "DPPD—Dot Product of Packed Double Precision Floating-Point Values".
 */

import { dotProduct } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const DPPD = vectorInstruction("DPPD", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 41 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: dotProduct(PD),
});
