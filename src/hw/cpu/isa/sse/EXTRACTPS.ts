/**
 * EXTRACTPS: a single to a general register or memory.
 * SDM Vol. 2A, "EXTRACTPS—Extract Packed Single Precision Floating-Point Values".
 */

import { extractByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const EXTRACTPS = vectorInstruction("EXTRACTPS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 17 /r ib", "reg/m32, xmm1, imm8"]],
  semantics: extractByImmediate(32),
});
