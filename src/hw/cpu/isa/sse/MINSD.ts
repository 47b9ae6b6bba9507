/**
 * MINSD: the minimum of the lowest doubles.
 * SDM Vol. 2B, "MINSD—Return Minimum Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const MINSD = vectorInstruction("MINSD", {
  feature: "SSE2",
  forms: [["F2 0F 5D /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("min", SD),
});
