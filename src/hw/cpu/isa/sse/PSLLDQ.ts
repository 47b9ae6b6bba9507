/** PSLLDQ: the register to the left by bytes. SDM Vol. 2B, "PSLLDQ—Shift Double Quadword Left Logical". */

import { shiftBytes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSLLDQ = vectorInstruction("PSLLDQ", {
  feature: "SSE2",
  forms: [["66 0F 73 /7 ib", "xmm1, imm8"]],
  semantics: shiftBytes(-1),
});
