/**
 * RSQRTSS: the approximate reciprocal square root of the lowest single; no exceptions.
 * SDM Vol. 2B, "RSQRTSS—Compute Reciprocal of Square Root of Scalar Single Precision Floating-Point Value".
 */

import { scalarFloat } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const RSQRTSS = vectorInstruction("RSQRTSS", {
  feature: "SSE",
  forms: [["F3 0F 52 /r", "xmm1, xmm2/m32"]],
  semantics: scalarFloat("reciprocalRoot", SS),
});
