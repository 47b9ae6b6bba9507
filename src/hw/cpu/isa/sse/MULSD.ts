/**
 * MULSD: the product of the lowest doubles.
 * SDM Vol. 2B, "MULSD—Multiply Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const MULSD = vectorInstruction("MULSD", {
  feature: "SSE2",
  forms: [["F2 0F 59 /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("mul", SD),
});
