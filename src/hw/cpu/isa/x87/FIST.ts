/** FIST, FISTP: stores ST(0) as an integer. SDM Vol. 2A, "FIST/FISTP—Store Integer". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { storingInteger } from "../../x87/patterns.ts";

export const FIST: readonly Instruction[] = [
  x87Instruction("FIST", {
    forms: [
      ["DF /2", "m16int"],
      ["DB /2", "m32int"],
    ],
    operation: storingInteger(x87.fist, 0),
  }),
  x87Instruction("FISTP", {
    forms: [
      ["DF /3", "m16int"],
      ["DB /3", "m32int"],
      ["DF /7", "m64int"],
    ],
    operation: storingInteger(x87.fist, 1),
  }),
];
