/**
 * BLENDPD: doubles of the second operand where the immediate says so.
 * SDM Vol. 2A, "BLENDPD—Blend Packed Double Precision Floating-Point Values".
 */

import { blendByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const BLENDPD = vectorInstruction("BLENDPD", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 0D /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: blendByImmediate(64),
});
