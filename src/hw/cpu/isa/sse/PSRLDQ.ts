/** PSRLDQ: the register to the right by bytes. SDM Vol. 2B, "PSRLDQ—Shift Double Quadword Right Logical". */

import { shiftBytes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSRLDQ = vectorInstruction("PSRLDQ", {
  feature: "SSE2",
  forms: [["66 0F 73 /3 ib", "xmm1, imm8"]],
  semantics: shiftBytes(1),
});
