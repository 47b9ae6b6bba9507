/**
 * MOVNTPS: a store; the hint changes nothing here.
 * SDM Vol. 2B, "MOVNTPS—Store Packed Single Precision Floating-Point Values Using Non-Temporal Hint".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVNTPS = vectorInstruction("MOVNTPS", {
  feature: "SSE",
  forms: [["NP 0F 2B /r", "m128, xmm1"]],
  semantics: moveAligned,
});
