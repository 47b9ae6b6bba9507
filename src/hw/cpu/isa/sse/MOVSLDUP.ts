/** MOVSLDUP: the even singles, each twice. SDM Vol. 2B, "MOVSLDUP—Replicate Single Precision Floating-Point Values". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVSLDUP = vectorInstruction("MOVSLDUP", {
  feature: "SSE3",
  forms: [["F3 0F 12 /r", "xmm1, xmm2/m128"]],
  semantics: (v, dst, src) => {
    const source = v.read(src);
    v.write(dst, v.shuffleLanes(32, source, source, [0, 0, 2, 2]));
  },
});
