/** FCHS: the opposite sign. SDM Vol. 2A, "FCHS—Change Sign". */

import { x87Instruction } from "../../x87/instruction.ts";
import { ofSign } from "../../x87/patterns.ts";

export const FCHS = x87Instruction("FCHS", {
  forms: [["D9 E0", ""]],
  operation: ofSign((signExponent) => signExponent ^ 0x8000),
});
