/** MOVDDUP: a double in both halves. SDM Vol. 2B, "MOVDDUP—Replicate Double Precision Floating-Point Values". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVDDUP = vectorInstruction("MOVDDUP", {
  feature: "SSE3",
  forms: [["F2 0F 12 /r", "xmm1, xmm2/m64"]],
  semantics: (v, dst, src) => v.write(dst, v.splat(64, v.readScalar(src, 64))),
});
