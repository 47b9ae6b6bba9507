/** FCOS: cosine. SDM Vol. 2A, "FCOS—Cosine". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { trigonometric } from "../../x87/patterns.ts";

export const FCOS = x87Instruction("FCOS", {
  forms: [["D9 FF", ""]],
  operation: trigonometric(x87.fcos, null),
});
