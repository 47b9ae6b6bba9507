/** FICOM, FICOMP: compares with an integer. SDM Vol. 2A, "FICOM/FICOMP—Compare Integer". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { comparison } from "../../x87/patterns.ts";

export const FICOM: readonly Instruction[] = [
  x87Instruction("FICOM", {
    forms: [
      ["DE /2", "m16int"],
      ["DA /2", "m32int"],
    ],
    operation: comparison(x87.fcom),
  }),
  x87Instruction("FICOMP", {
    forms: [
      ["DE /3", "m16int"],
      ["DA /3", "m32int"],
    ],
    operation: comparison(x87.fcom, 1),
  }),
];
