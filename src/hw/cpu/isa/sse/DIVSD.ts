/**
 * DIVSD: the quotient of the lowest doubles.
 * SDM Vol. 2A, "DIVSD—Divide Scalar Double Precision Floating-Point Values".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const DIVSD = vectorInstruction("DIVSD", {
  feature: "SSE2",
  forms: [["F2 0F 5E /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("div", SD),
});
