/** LDDQU: a load from anywhere. SDM Vol. 2A, "LDDQU—Load Unaligned Integer 128 Bits". */

import { moveUnaligned } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const LDDQU = vectorInstruction("LDDQU", {
  feature: "SSE3",
  forms: [["F2 0F F0 /r", "xmm1, m128"]],
  semantics: moveUnaligned,
});
