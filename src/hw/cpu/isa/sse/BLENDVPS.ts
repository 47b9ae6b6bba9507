/**
 * BLENDVPS: singles of the second operand where XMM0 is negative.
 * SDM Vol. 2A, "BLENDVPS—Variable Blend Packed Single Precision Floating-Point Values".
 */

import { blendByXmm0 } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const BLENDVPS = vectorInstruction("BLENDVPS", {
  feature: "SSE4.1",
  forms: [["66 0F 38 14 /r", "xmm1, xmm2/m128, <XMM0>"]],
  semantics: blendByXmm0(32),
});
