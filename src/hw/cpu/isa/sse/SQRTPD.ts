/**
 * SQRTPD: the square roots of two doubles.
 * SDM Vol. 2B, "SQRTPD—Square Root of Double Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const SQRTPD = vectorInstruction("SQRTPD", {
  feature: "SSE2",
  forms: [["66 0F 51 /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("sqrt", PD),
});
