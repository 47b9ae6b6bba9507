/** FADD, FADDP, FIADD: sum. SDM Vol. 2A, "FADD/FADDP/FIADD—Add". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FADD: readonly Instruction[] = [
  x87Instruction("FADD", {
    forms: [
      ["D8 /0", "m32fp"],
      ["DC /0", "m64fp"],
      ["D8 C0+i", "ST(0), ST(i)"],
      ["DC C0+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fadd),
  }),
  x87Instruction("FADDP", {
    forms: [["DE C0+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fadd, { pops: 1 }),
  }),
  x87Instruction("FIADD", {
    forms: [
      ["DA /0", "m32int"],
      ["DE /0", "m16int"],
    ],
    operation: arithmetic(x87.fadd),
  }),
];
