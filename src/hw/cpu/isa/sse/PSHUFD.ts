/** PSHUFD: four chosen doublewords. SDM Vol. 2B, "PSHUFD—Shuffle Packed Doublewords". */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSHUFD = vectorInstruction("PSHUFD", {
  feature: "SSE2",
  forms: [["66 0F 70 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const control = v.u.read(imm);
    const chosen = v.join(chosenLanes(v, 32, control, 0, 0), chosenLanes(v, 32, control, 2, 0));
    v.write(dst, v.swizzle(v.read(src), chosen));
  },
});
