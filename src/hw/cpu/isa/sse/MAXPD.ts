/**
 * MAXPD: the maximums of two doubles.
 * SDM Vol. 2B, "MAXPD—Maximum of Packed Double Precision Floating-Point Values".
 */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const MAXPD = vectorInstruction("MAXPD", {
  feature: "SSE2",
  forms: [["66 0F 5F /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("max", PD),
});
