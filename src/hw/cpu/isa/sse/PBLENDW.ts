/** PBLENDW: words of the second operand where the immediate says so. SDM Vol. 2B, "PBLENDW—Blend Packed Words". */

import { blendByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PBLENDW = vectorInstruction("PBLENDW", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 0E /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: blendByImmediate(16),
});
