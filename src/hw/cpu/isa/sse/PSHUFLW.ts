/**
 * PSHUFLW: four chosen words of the low half; the high half as it is.
 * SDM Vol. 2B, "PSHUFLW—Shuffle Packed Low Words".
 */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSHUFLW = vectorInstruction("PSHUFLW", {
  feature: "SSE2",
  forms: [["F2 0F 70 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const unmoved = v.u.const(64, 0x0f0e_0d0c_0b0a_0908n);
    const chosen = v.join(chosenLanes(v, 16, v.u.read(imm), 0, 0), unmoved);
    v.write(dst, v.swizzle(v.read(src), chosen));
  },
});
