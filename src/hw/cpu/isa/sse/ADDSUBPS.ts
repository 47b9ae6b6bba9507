/**
 * ADDSUBPS: differences of even singles, sums of odd ones.
 * SDM Vol. 2A, "ADDSUBPS—Packed Single Precision Floating-Point Add/Subtract".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const ADDSUBPS = vectorInstruction("ADDSUBPS", {
  feature: "SSE3",
  forms: [["F2 0F D0 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("addSub", PS),
});
