/**
 * BLENDPS: singles of the second operand where the immediate says so.
 * SDM Vol. 2A, "BLENDPS—Blend Packed Single Precision Floating-Point Values".
 */

import { blendByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const BLENDPS = vectorInstruction("BLENDPS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 0C /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: blendByImmediate(32),
});
