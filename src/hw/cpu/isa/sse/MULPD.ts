/** MULPD: the products of two doubles. SDM Vol. 2B, "MULPD—Multiply Packed Double Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const MULPD = vectorInstruction("MULPD", {
  feature: "SSE2",
  forms: [["66 0F 59 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("mul", PD),
});
