/**
 * COMISD: the relation of two doubles as flags; a quiet NaN is invalid too.
 * SDM Vol. 2A, "COMISD—Compare Scalar Ordered Double Precision Floating-Point Values and Set EFLAGS".
 */

import { compareIntoFlags } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const COMISD = vectorInstruction("COMISD", {
  feature: "SSE2",
  forms: [["66 0F 2F /r", "xmm1, xmm2/m64"]],
  semantics: compareIntoFlags("compareOrdered", SD),
});
