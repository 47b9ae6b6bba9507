/**
 * MOVHLPS: the high half of a register to the low half of another.
 * SDM Vol. 2B, "MOVHLPS—Move Packed Single Precision Floating-Point Values High to Low".
 */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVHLPS = vectorInstruction("MOVHLPS", {
  feature: "SSE",
  forms: [["NP 0F 12 /r", "xmm1, xmm2"]],
  semantics: (v, dst, src) => v.write(dst, v.shuffleLanes(64, v.read(dst), v.read(src), [3, 1])),
});
