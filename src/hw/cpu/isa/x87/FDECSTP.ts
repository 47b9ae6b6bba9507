/** FDECSTP: TOP goes down; no register changes. SDM Vol. 2A, "FDECSTP—Decrement Stack-Top Pointer". */

import { x87Instruction } from "../../x87/instruction.ts";
import { exactly } from "../../x87/patterns.ts";

export const FDECSTP = x87Instruction("FDECSTP", {
  forms: [["D9 F6", ""]],
  operation: (x) => x.complete(exactly(null), () => x.unit.rotate(-1)),
});
