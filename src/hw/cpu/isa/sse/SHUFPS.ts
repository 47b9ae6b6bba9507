/**
 * SHUFPS: two chosen singles of the first operand, then two of the second.
 * SDM Vol. 2B, "SHUFPS—Packed Interleave Shuffle of Quadruplets of Single Precision Floating-Point Values".
 */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const SHUFPS = vectorInstruction("SHUFPS", {
  feature: "SSE",
  forms: [["NP 0F C6 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const control = v.u.read(imm);
    const chosen = v.join(chosenLanes(v, 32, control, 0, 0), chosenLanes(v, 32, control, 2, 0));
    const low = v.swizzle(v.read(dst), chosen);
    const high = v.swizzle(v.read(src), chosen);
    v.write(dst, v.shuffleLanes(64, low, high, [0, 3]));
  },
});
