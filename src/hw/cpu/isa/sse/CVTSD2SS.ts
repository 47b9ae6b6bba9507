/**
 * CVTSD2SS: a double to a single.
 * SDM Vol. 2A, "CVTSD2SS—Convert Scalar Double Precision Floating-Point Value to Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSD2SS = vectorInstruction("CVTSD2SS", {
  feature: "SSE2",
  forms: [["F2 0F 5A /r", "xmm1, xmm2/m64"]],
  semantics: scalarFloat("convert", SD),
});
