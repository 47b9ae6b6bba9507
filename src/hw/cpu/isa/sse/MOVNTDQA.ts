/**
 * MOVNTDQA: a load; the hint changes nothing here.
 * SDM Vol. 2B, "MOVNTDQA—Load Double Quadword Non-Temporal Aligned Hint".
 */

import { moveAligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVNTDQA = vectorInstruction("MOVNTDQA", {
  feature: "SSE4.1",
  forms: [["66 0F 38 2A /r", "xmm1, m128"]],
  semantics: moveAligned,
});
