/** MOVDQU: a whole register, anywhere in memory. SDM Vol. 2B, "MOVDQU—Move Unaligned Packed Integer Values". */

import { moveUnaligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVDQU = vectorInstruction("MOVDQU", {
  feature: "SSE2",
  forms: [
    ["F3 0F 6F /r", "xmm1, xmm2/m128"],
    ["F3 0F 7F /r", "xmm2/m128, xmm1"],
  ],
  semantics: moveUnaligned,
});
