/**
 * COMISS: the relation of two singles as flags; a quiet NaN is invalid too.
 * SDM Vol. 2A, "COMISS—Compare Scalar Ordered Single Precision Floating-Point Values and Set EFLAGS".
 */

import { compareIntoFlags } from "../../vector-patterns.ts";
import { SS, vectorInstruction } from "../../vector-semantics.ts";

export const COMISS = vectorInstruction("COMISS", {
  feature: "SSE",
  forms: [["NP 0F 2F /r", "xmm1, xmm2/m32"]],
  semantics: compareIntoFlags("compareOrdered", SS),
});
