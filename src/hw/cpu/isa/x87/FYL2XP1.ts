/** FYL2XP1: y times the binary logarithm of x plus 1. SDM Vol. 2A, "FYL2XP1—Compute y * log2(x +1)". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { ofTopTwoPopping } from "../../x87/patterns.ts";

export const FYL2XP1 = x87Instruction("FYL2XP1", {
  forms: [["D9 F9", ""]],
  operation: ofTopTwoPopping(x87.fyl2xp1),
});
