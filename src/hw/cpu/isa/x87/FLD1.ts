/**
 * FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: pushes a constant.
 * SDM Vol. 2A, "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ—Load Constant".
 */

import type { Instruction } from "../../instruction.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { exactly, pushing } from "../../x87/patterns.ts";

const constant = (name: x87.ConstantName, opcode: string): Instruction =>
  x87Instruction(name, {
    forms: [[opcode, ""]],
    operation: pushing(({ unit }) => exactly(x87.fldConstant(name, unit.control))),
  });

export const FLD1: readonly Instruction[] = [
  constant("FLD1", "D9 E8"),
  constant("FLDL2T", "D9 E9"),
  constant("FLDL2E", "D9 EA"),
  constant("FLDPI", "D9 EB"),
  constant("FLDLG2", "D9 EC"),
  constant("FLDLN2", "D9 ED"),
  constant("FLDZ", "D9 EE"),
];
