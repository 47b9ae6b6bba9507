/** DIVPD: the quotients of two doubles. SDM Vol. 2A, "DIVPD—Divide Packed Double Precision Floating-Point Values". */

import { packedFloat } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const DIVPD = vectorInstruction("DIVPD", {
  feature: "SSE2",
  forms: [["66 0F 5E /r", "xmm1, xmm2/m128"]],
  semantics: packedFloat("div", PD),
});
