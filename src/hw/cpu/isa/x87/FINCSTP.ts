/** FINCSTP: TOP goes up; no register changes. SDM Vol. 2A, "FINCSTP—Increment Stack-Top Pointer". */

import { x87Instruction } from "../../x87/instruction.ts";
import { exactly } from "../../x87/patterns.ts";

export const FINCSTP = x87Instruction("FINCSTP", {
  forms: [["D9 F7", ""]],
  operation: (x) => x.complete(exactly(null), () => x.unit.rotate(1)),
});
