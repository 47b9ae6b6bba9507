/**
 * PBLENDVB: bytes of the second operand where XMM0 is negative.
 * SDM Vol. 2B, "PBLENDVB—Variable Blend Packed Bytes".
 */

import { blendByXmm0 } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PBLENDVB = vectorInstruction("PBLENDVB", {
  feature: "SSE4.1",
  forms: [["66 0F 38 10 /r", "xmm1, xmm2/m128, <XMM0>"]],
  semantics: blendByXmm0(8),
});
