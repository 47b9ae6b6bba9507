/** MOVDQ2Q: the low half to an MMX register. SDM Vol. 2B, "MOVDQ2Q—Move Quadword from XMM to MMX Technology Register". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVDQ2Q = vectorInstruction("MOVDQ2Q", {
  feature: "SSE2",
  forms: [["F2 0F D6 /r", "mm, xmm"]],
  semantics: (v, dst, src) => v.write(dst, v.read(src)),
});
