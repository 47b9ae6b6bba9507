/** FSUBR, FSUBRP, FISUBR: difference the other way round. SDM Vol. 2A, "FSUBR/FSUBRP/FISUBR—Reverse Subtract". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FSUBR: readonly Instruction[] = [
  x87Instruction("FSUBR", {
    forms: [
      ["D8 /5", "m32fp"],
      ["DC /5", "m64fp"],
      ["D8 E8+i", "ST(0), ST(i)"],
      ["DC E0+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fsub, { reversed: true }),
  }),
  x87Instruction("FSUBRP", {
    forms: [["DE E0+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fsub, { reversed: true, pops: 1 }),
  }),
  x87Instruction("FISUBR", {
    forms: [
      ["DA /5", "m32int"],
      ["DE /5", "m16int"],
    ],
    operation: arithmetic(x87.fsub, { reversed: true }),
  }),
];
