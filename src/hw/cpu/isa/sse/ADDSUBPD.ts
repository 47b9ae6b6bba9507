/**
 * ADDSUBPD: the difference of the low doubles, the sum of the high ones.
 * SDM Vol. 2A, "ADDSUBPD—Packed Double Precision Floating-Point Add/Subtract".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const ADDSUBPD = vectorInstruction("ADDSUBPD", {
  feature: "SSE3",
  forms: [["66 0F D0 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("addSub", PD),
});
