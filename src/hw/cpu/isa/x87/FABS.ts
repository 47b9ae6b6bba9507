/** FABS: absolute value. SDM Vol. 2A, "FABS—Absolute Value". */

import { x87Instruction } from "../../x87/instruction.ts";
import { ofSign } from "../../x87/patterns.ts";

export const FABS = x87Instruction("FABS", {
  forms: [["D9 E1", ""]],
  operation: ofSign((signExponent) => signExponent & 0x7fff),
});
