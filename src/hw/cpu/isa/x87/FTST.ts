/** FTST: compares with 0.0. SDM Vol. 2A, "FTST—TEST". */

import { F80 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { comparisonWith } from "../../x87/patterns.ts";

const ZERO = F80.unpack(F80.pack(0, 0, 0n));

export const FTST = x87Instruction("FTST", {
  forms: [["D9 E4", ""]],
  operation: comparisonWith(ZERO),
});
