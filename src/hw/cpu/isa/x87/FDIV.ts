/** FDIV, FDIVP, FIDIV: quotient. SDM Vol. 2A, "FDIV/FDIVP/FIDIV—Divide". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FDIV: readonly Instruction[] = [
  x87Instruction("FDIV", {
    forms: [
      ["D8 /6", "m32fp"],
      ["DC /6", "m64fp"],
      ["D8 F0+i", "ST(0), ST(i)"],
      ["DC F8+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fdiv),
  }),
  x87Instruction("FDIVP", {
    forms: [["DE F8+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fdiv, { pops: 1 }),
  }),
  x87Instruction("FIDIV", {
    forms: [
      ["DA /6", "m32int"],
      ["DE /6", "m16int"],
    ],
    operation: arithmetic(x87.fdiv),
  }),
];
