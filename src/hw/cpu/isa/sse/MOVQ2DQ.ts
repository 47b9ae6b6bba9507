/** MOVQ2DQ: an MMX register, with zeros above. SDM Vol. 2B, "MOVQ2DQ—Move Quadword from MMX Technology to XMM Register". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVQ2DQ = vectorInstruction("MOVQ2DQ", {
  feature: "SSE2",
  forms: [["F3 0F D6 /r", "xmm, mm"]],
  semantics: (v, dst, src) => v.write(dst, v.read(src)),
});
