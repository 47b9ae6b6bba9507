/** FYL2X: y times the binary logarithm of x. SDM Vol. 2A, "FYL2X—Compute y * log2x". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { ofTopTwoPopping } from "../../x87/patterns.ts";

export const FYL2X = x87Instruction("FYL2X", {
  forms: [["D9 F1", ""]],
  operation: ofTopTwoPopping(x87.fyl2x),
});
