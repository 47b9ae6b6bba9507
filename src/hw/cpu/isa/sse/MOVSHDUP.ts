/** MOVSHDUP: the odd singles, each twice. SDM Vol. 2B, "MOVSHDUP—Replicate Single Precision Floating-Point Values". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVSHDUP = vectorInstruction("MOVSHDUP", {
  feature: "SSE3",
  forms: [["F3 0F 16 /r", "xmm1, xmm2/m128"]],
  semantics: (v, dst, src) => {
    const source = v.read(src);
    v.write(dst, v.shuffleLanes(32, source, source, [1, 1, 3, 3]));
  },
});
