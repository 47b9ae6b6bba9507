/**
 * PSHUFHW: four chosen words of the high half; the low half as it is.
 * SDM Vol. 2B, "PSHUFHW—Shuffle Packed High Words".
 */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSHUFHW = vectorInstruction("PSHUFHW", {
  feature: "SSE2",
  forms: [["F3 0F 70 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const unmoved = v.u.const(64, 0x0706_0504_0302_0100n);
    const chosen = v.join(unmoved, chosenLanes(v, 16, v.u.read(imm), 0, 4));
    v.write(dst, v.swizzle(v.read(src), chosen));
  },
});
