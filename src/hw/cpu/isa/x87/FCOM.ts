/** FCOM, FCOMP, FCOMPP: compare into the condition codes. SDM Vol. 2A, "FCOM/FCOMP/FCOMPP—Compare Floating-Point Values". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { comparison } from "../../x87/patterns.ts";

export const FCOM: readonly Instruction[] = [
  x87Instruction("FCOM", {
    forms: [
      ["D8 /2", "m32fp"],
      ["DC /2", "m64fp"],
      ["D8 D0+i", "ST(i)"],
      // Reserved, and the same on every processor.
      ["DC D0+i", "ST(i)"],
    ],
    operation: comparison(x87.fcom),
  }),
  x87Instruction("FCOMP", {
    forms: [
      ["D8 /3", "m32fp"],
      ["DC /3", "m64fp"],
      ["D8 D8+i", "ST(i)"],
      ["DC D8+i", "ST(i)"],
      ["DE D0+i", "ST(i)"],
    ],
    operation: comparison(x87.fcom, 1),
  }),
  x87Instruction("FCOMPP", {
    forms: [["DE D9", ""]],
    operation: comparison(x87.fcom, 2),
  }),
];
