/** FUCOM, FUCOMP, FUCOMPP: the same where a quiet NaN is no error. SDM Vol. 2A, "FUCOM/FUCOMP/FUCOMPP—Unordered Compare Floating-Point Values". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { comparison } from "../../x87/patterns.ts";

export const FUCOM: readonly Instruction[] = [
  x87Instruction("FUCOM", { forms: [["DD E0+i", "ST(i)"]], operation: comparison(x87.fucom) }),
  x87Instruction("FUCOMP", {
    forms: [["DD E8+i", "ST(i)"]],
    operation: comparison(x87.fucom, 1),
  }),
  x87Instruction("FUCOMPP", {
    forms: [["DA E9", ""]],
    operation: comparison(x87.fucom, 2),
  }),
];
