/** MOVSS: the lowest element. SDM Vol. 2B, "MOVSS—Move or Merge Scalar Single Precision Floating-Point Value". */

import { moveScalar } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVSS = vectorInstruction("MOVSS", {
  feature: "SSE",
  forms: [
    ["F3 0F 10 /r", "xmm1, xmm2"],
    ["F3 0F 10 /r", "xmm1, m32"],
    ["F3 0F 11 /r", "xmm1/m32, xmm2"],
  ],
  semantics: moveScalar(32),
});
