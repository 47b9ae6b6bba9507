/** FPREM1: remainder of a quotient that is rounded to nearest. SDM Vol. 2A, "FPREM1—Partial Remainder". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { remainder } from "../../x87/patterns.ts";

export const FPREM1 = x87Instruction("FPREM1", {
  forms: [["D9 F5", ""]],
  operation: remainder(x87.fprem1),
});
