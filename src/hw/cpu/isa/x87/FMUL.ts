/** FMUL, FMULP, FIMUL: product. SDM Vol. 2A, "FMUL/FMULP/FIMUL—Multiply". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FMUL: readonly Instruction[] = [
  x87Instruction("FMUL", {
    forms: [
      ["D8 /1", "m32fp"],
      ["DC /1", "m64fp"],
      ["D8 C8+i", "ST(0), ST(i)"],
      ["DC C8+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fmul),
  }),
  x87Instruction("FMULP", {
    forms: [["DE C8+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fmul, { pops: 1 }),
  }),
  x87Instruction("FIMUL", {
    forms: [
      ["DA /1", "m32int"],
      ["DE /1", "m16int"],
    ],
    operation: arithmetic(x87.fmul),
  }),
];
