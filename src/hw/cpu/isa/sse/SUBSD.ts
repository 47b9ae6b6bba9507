/**
 * SUBSD: the difference of the lowest doubles.
 * SDM Vol. 2B, "SUBSD—Subtract Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const SUBSD = vectorInstruction("SUBSD", {
  feature: "SSE2",
  forms: [["F2 0F 5C /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("sub", SD),
});
