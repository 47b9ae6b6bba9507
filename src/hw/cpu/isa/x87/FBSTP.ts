/** FBSTP: stores ST(0) as a packed decimal and pops it. SDM Vol. 2A, "FBSTP—Store BCD Integer and Pop". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { storing } from "../../x87/patterns.ts";

export const FBSTP = x87Instruction("FBSTP", {
  forms: [["DF /6", "m80bcd"]],
  operation: storing(10, x87.fbstp, x87.DECIMAL_INDEFINITE, 1),
});
