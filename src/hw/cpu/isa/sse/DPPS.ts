/**
 * DPPS: the sum of chosen products of singles, to chosen places.
 * SDM Vol. 2A, "DPPS—Dot Product of Packed Single Precision Floating-Point Values".
 */

import { dotProduct } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const DPPS = vectorInstruction("DPPS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 40 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: dotProduct(PS),
});
