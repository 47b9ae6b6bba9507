/**
 * SUBPD: the differences of two doubles.
 * SDM Vol. 2B, "SUBPD—Subtract Packed Double Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const SUBPD = vectorInstruction("SUBPD", {
  feature: "SSE2",
  forms: [["66 0F 5C /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("sub", PD),
});
