/** FILD: pushes an integer. SDM Vol. 2A, "FILD—Load Integer". */

import { isFault } from "../../mmu.ts";
import { F80, packExact } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { exactly, pushing } from "../../x87/patterns.ts";

export const FILD = x87Instruction("FILD", {
  forms: [
    ["DF /0", "m16int"],
    ["DB /0", "m32int"],
    ["DF /5", "m64int"],
  ],
  operation: pushing((x) => {
    const value = x.loadNumber();
    return isFault(value) ? value : exactly(packExact(F80, value));
  }),
});
