/** FSIN: sine. SDM Vol. 2A, "FSIN—Sine". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { trigonometric } from "../../x87/patterns.ts";

export const FSIN = x87Instruction("FSIN", {
  forms: [["D9 FE", ""]],
  operation: trigonometric(x87.fsin, null),
});
