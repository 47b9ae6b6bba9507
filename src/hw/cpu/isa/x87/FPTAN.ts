/** FPTAN: tangent, and 1 pushed; a NaN is pushed once more. SDM Vol. 2A, "FPTAN—Partial Tangent". */

import { F80, Kind, x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { trigonometric } from "../../x87/patterns.ts";

const ONE = x87.fldConstant("FLD1", 0);

const isNumber = (value: F80): boolean => F80.unpack(value).kind < Kind.infinity;

export const FPTAN = x87Instruction("FPTAN", {
  forms: [["D9 F2", ""]],
  operation: trigonometric(x87.fptan, ({ value }) => (isNumber(value) ? ONE : value)),
});
