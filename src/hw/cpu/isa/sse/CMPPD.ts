/**
 * CMPPD: whether two doubles stand in the relation that the immediate names, as ones or zeros.
 * SDM Vol. 2A, "CMPPD—Compare Packed Double Precision Floating-Point Values".
 */

import { packedFloatBy } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CMPPD = vectorInstruction("CMPPD", {
  feature: "SSE2",
  forms: [["66 0F C2 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: packedFloatBy("compare", PD),
});
