/**
 * CVTSS2SD: a single to a double.
 * SDM Vol. 2A, "CVTSS2SD—Convert Scalar Single Precision Floating-Point Value to Scalar Double Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSS2SD = vectorInstruction("CVTSS2SD", {
  feature: "SSE2",
  forms: [["F3 0F 5A /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("convert", SS),
});
