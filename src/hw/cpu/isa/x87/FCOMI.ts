/**
 * FCOMI, FCOMIP, FUCOMI, FUCOMIP: compare into ZF, PF and CF.
 * SDM Vol. 2A, "FCOMI/FCOMIP/FUCOMI/FUCOMIP—Compare Floating-Point Values and Set EFLAGS".
 */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { comparisonIntoFlags } from "../../x87/patterns.ts";

export const FCOMI: readonly Instruction[] = [
  x87Instruction("FCOMI", {
    feature: "CMOV",
    forms: [["DB F0+i", "ST(0), ST(i)"]],
    operation: comparisonIntoFlags(x87.fcomi),
  }),
  x87Instruction("FCOMIP", {
    feature: "CMOV",
    forms: [["DF F0+i", "ST(0), ST(i)"]],
    operation: comparisonIntoFlags(x87.fcomi, 1),
  }),
  x87Instruction("FUCOMI", {
    feature: "CMOV",
    forms: [["DB E8+i", "ST(0), ST(i)"]],
    operation: comparisonIntoFlags(x87.fucomi),
  }),
  x87Instruction("FUCOMIP", {
    feature: "CMOV",
    forms: [["DF E8+i", "ST(0), ST(i)"]],
    operation: comparisonIntoFlags(x87.fucomi, 1),
  }),
];
