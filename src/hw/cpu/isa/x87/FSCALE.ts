/** FSCALE: ST(0) times 2 to the power of ST(1). SDM Vol. 2A, "FSCALE—Scale". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { ofTopTwo } from "../../x87/patterns.ts";

export const FSCALE = x87Instruction("FSCALE", {
  forms: [["D9 FD", ""]],
  operation: ofTopTwo(x87.fscale),
});
