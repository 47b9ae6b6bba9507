/** F2XM1: 2 to the power of x, less 1. SDM Vol. 2A, "F2XM1—Compute 2x-1". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { unary } from "../../x87/patterns.ts";

export const F2XM1 = x87Instruction("F2XM1", {
  forms: [["D9 F0", ""]],
  operation: unary(x87.f2xm1),
});
