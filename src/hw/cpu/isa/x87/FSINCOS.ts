/** FSINCOS: sine, and cosine pushed. SDM Vol. 2A, "FSINCOS—Sine and Cosine". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { trigonometric } from "../../x87/patterns.ts";

export const FSINCOS = x87Instruction("FSINCOS", {
  forms: [["D9 FB", ""]],
  operation: trigonometric(x87.fsincos, ({ cosine }) => cosine),
});
