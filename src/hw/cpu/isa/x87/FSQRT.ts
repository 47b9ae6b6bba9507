/** FSQRT: square root. SDM Vol. 2A, "FSQRT—Square Root". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { unary } from "../../x87/patterns.ts";

export const FSQRT = x87Instruction("FSQRT", {
  forms: [["D9 FA", ""]],
  operation: unary(x87.fsqrt),
});
