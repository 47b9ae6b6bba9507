/** ADDPD: the sums of two doubles. SDM Vol. 2A, "ADDPD—Add Packed Double Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const ADDPD = vectorInstruction("ADDPD", {
  feature: "SSE2",
  forms: [["66 0F 58 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("add", PD),
});
