/** FPREM: remainder of a quotient that is truncated. SDM Vol. 2A, "FPREM—Partial Remainder". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { remainder } from "../../x87/patterns.ts";

export const FPREM = x87Instruction("FPREM", {
  forms: [["D9 F8", ""]],
  operation: remainder(x87.fprem),
});
