/** FDIVR, FDIVRP, FIDIVR: quotient the other way round. SDM Vol. 2A, "FDIVR/FDIVRP/FIDIVR—Reverse Divide". */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { arithmetic } from "../../x87/patterns.ts";

export const FDIVR: readonly Instruction[] = [
  x87Instruction("FDIVR", {
    forms: [
      ["D8 /7", "m32fp"],
      ["DC /7", "m64fp"],
      ["D8 F8+i", "ST(0), ST(i)"],
      ["DC F0+i", "ST(i), ST(0)"],
    ],
    operation: arithmetic(x87.fdiv, { reversed: true }),
  }),
  x87Instruction("FDIVRP", {
    forms: [["DE F0+i", "ST(i), ST(0)"]],
    operation: arithmetic(x87.fdiv, { reversed: true, pops: 1 }),
  }),
  x87Instruction("FIDIVR", {
    forms: [
      ["DA /7", "m32int"],
      ["DE /7", "m16int"],
    ],
    operation: arithmetic(x87.fdiv, { reversed: true }),
  }),
];
