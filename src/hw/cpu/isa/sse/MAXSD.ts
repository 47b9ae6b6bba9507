/**
 * MAXSD: the maximum of the lowest doubles.
 * SDM Vol. 2B, "MAXSD—Return Maximum Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const MAXSD = vectorInstruction("MAXSD", {
  feature: "SSE2",
  forms: [["F2 0F 5F /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("max", SD),
});
