/**
 * SHUFPD: a chosen double of the first operand, then one of the second.
 * SDM Vol. 2B, "SHUFPD—Packed Interleave Shuffle of Pairs of Double Precision Floating-Point Values".
 */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const SHUFPD = vectorInstruction("SHUFPD", {
  feature: "SSE2",
  forms: [["66 0F C6 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const control = v.u.read(imm);
    const chosen = v.join(chosenLanes(v, 64, control, 0, 0), chosenLanes(v, 64, control, 1, 0));
    const low = v.swizzle(v.read(dst), chosen);
    const high = v.swizzle(v.read(src), chosen);
    v.write(dst, v.shuffleLanes(64, low, high, [0, 3]));
  },
});
