/**
 * MOVNTPD: a store; the hint changes nothing here.
 * SDM Vol. 2B, "MOVNTPD—Store Packed Double Precision Floating-Point Values Using Non-Temporal Hint".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVNTPD = vectorInstruction("MOVNTPD", {
  feature: "SSE2",
  forms: [["66 0F 2B /r", "m128, xmm1"]],
  semantics: moveAligned,
});
