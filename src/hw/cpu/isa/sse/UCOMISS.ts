/**
 * UCOMISS: the relation of two singles as flags.
 * SDM Vol. 2B, "UCOMISS—Unordered Compare Scalar Single Precision Floating-Point Values and Set EFLAGS".
 */

import { compareIntoFlags } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const UCOMISS = vectorInstruction("UCOMISS", {
  feature: "SSE",
  forms: [["NP 0F 2E /r", "xmm1, xmm2/m32"]],
  semantics: compareIntoFlags("compareUnordered", SS),
});
