/** FPATAN: the angle of the point (ST(0), ST(1)). SDM Vol. 2A, "FPATAN—Partial Arctangent". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { ofTopTwoPopping } from "../../x87/patterns.ts";

export const FPATAN = x87Instruction("FPATAN", {
  forms: [["D9 F3", ""]],
  operation: ofTopTwoPopping(x87.fpatan),
});
