/**
 * BLENDVPD: doubles of the second operand where XMM0 is negative.
 * SDM Vol. 2A, "BLENDVPD—Variable Blend Packed Double Precision Floating-Point Values".
 */

import { blendByXmm0 } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const BLENDVPD = vectorInstruction("BLENDVPD", {
  feature: "SSE4.1",
  forms: [["66 0F 38 15 /r", "xmm1, xmm2/m128, <XMM0>"]],
  semantics: blendByXmm0(64),
});
