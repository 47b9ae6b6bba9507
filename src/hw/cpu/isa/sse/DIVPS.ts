/** DIVPS: the quotients of four singles. SDM Vol. 2A, "DIVPS—Divide Packed Single Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const DIVPS = vectorInstruction("DIVPS", {
  feature: "SSE",
  forms: [["NP 0F 5E /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("div", PS),
});
