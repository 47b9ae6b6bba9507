/** FSUB, FSUBP, FISUB: difference. SDM Vol. 2A, "FSUB/FSUBP/FISUB—Subtract". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FSUB: readonly Instruction[] = [
  x87Instruction("FSUB", {
    forms: [
      ["D8 /4", "m32fp"],
      ["DC /4", "m64fp"],
      ["D8 E0+i", "ST(0), ST(i)"],
      ["DC E8+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fsub),
  }),
  x87Instruction("FSUBP", {
    forms: [["DE E8+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fsub, { pops: 1 }),
  }),
  x87Instruction("FISUB", {
    forms: [
      ["DA /4", "m32int"],
      ["DE /4", "m16int"],
    ],
    operation: arithmetic(x87.fsub),
  }),
];
