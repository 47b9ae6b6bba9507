/**
 * RCPSS: the approximate reciprocal of the lowest single; no exceptions.
 * SDM Vol. 2B, "RCPSS—Compute Reciprocal of Scalar Single Precision Floating-Point Values".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const RCPSS = vectorInstruction("RCPSS", {
  feature: "SSE",
  forms: [["F3 0F 53 /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("reciprocal", SS),
});
