/**
 * UCOMISD: the relation of two doubles as flags.
 * SDM Vol. 2B, "UCOMISD—Unordered Compare Scalar Double Precision Floating-Point Values and Set EFLAGS".
 */

import { compareIntoFlags } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const UCOMISD = vectorInstruction("UCOMISD", {
  feature: "SSE2",
  forms: [["66 0F 2E /r", "xmm1, xmm2/m64"]],
  semantics: compareIntoFlags("compareUnordered", SD),
});
