/** FRNDINT: rounds to an integer. SDM Vol. 2A, "FRNDINT—Round to Integer". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { unary } from "../../x87/patterns.ts";

export const FRNDINT = x87Instruction("FRNDINT", {
  forms: [["D9 FC", ""]],
  operation: unary(x87.frndint),
});
