/** MOVDQA: a whole register, aligned in memory. SDM Vol. 2B, "MOVDQA—Move Aligned Packed Integer Values". */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVDQA = vectorInstruction("MOVDQA", {
  feature: "SSE2",
  forms: [
    ["66 0F 6F /r", "xmm1, xmm2/m128"],
    ["66 0F 7F /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveAligned,
});
