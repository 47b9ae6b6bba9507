/**
 * MINPD: the minimums of two doubles.
 * SDM Vol. 2B, "MINPD—Minimum of Packed Double Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const MINPD = vectorInstruction("MINPD", {
  feature: "SSE2",
  forms: [["66 0F 5D /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("min", PD),
});
