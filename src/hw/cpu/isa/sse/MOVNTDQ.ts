/**
 * MOVNTDQ: a store; the hint changes nothing here.
 * SDM Vol. 2B, "MOVNTDQ—Store Packed Integers Using Non-Temporal Hint".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVNTDQ = vectorInstruction("MOVNTDQ", {
  feature: "SSE2",
  forms: [["66 0F E7 /r", "m128, xmm1"]],
  semantics: moveAligned,
});
