/** MOVSD: the lowest element. SDM Vol. 2B, "MOVSD—Move or Merge Scalar Double Precision Floating-Point Value". */

import { moveScalar } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVSD = vectorInstruction("MOVSD", {
  feature: "SSE2",
  forms: [
    ["F2 0F 10 /r", "xmm1, xmm2"],
    ["F2 0F 10 /r", "xmm1, m64"],
    ["F2 0F 11 /r", "xmm1/m64, xmm2"],
  ],
  semantics: moveScalar(64),
});
