/** FBLD: pushes a packed decimal. SDM Vol. 2A, "FBLD—Load Binary Coded Decimal". */

import { isFault } from "../../mmu.ts";
import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { exactly, pushing } from "../../x87/patterns.ts";

export const FBLD = x87Instruction("FBLD", {
  forms: [["DF /4", "m80dec"]],
  operation: pushing((x) => {
    const value = x.loadInteger(10);
    return isFault(value) ? value : exactly(x87.fbld(value));
  }),
});
