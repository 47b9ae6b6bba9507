/**
 * MOVLHPS: the low half of a register to the high half of another.
 * SDM Vol. 2B, "MOVLHPS—Move Packed Single Precision Floating-Point Values Low to High".
 */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVLHPS = vectorInstruction("MOVLHPS", {
  feature: "SSE",
  forms: [["NP 0F 16 /r", "xmm1, xmm2"]],
  semantics: (v, dst, src) => v.write(dst, v.shuffleLanes(64, v.read(dst), v.read(src), [0, 2])),
});
