/** ADDSD: the sum of the lowest doubles. SDM Vol. 2A, "ADDSD—Add Scalar Double Precision Floating-Point Values". */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const ADDSD = vectorInstruction("ADDSD", {
  feature: "SSE2",
  forms: [["F2 0F 58 /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("add", SD),
});
