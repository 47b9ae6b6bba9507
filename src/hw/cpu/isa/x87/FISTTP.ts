/** FISTTP: stores ST(0), truncated to an integer, and pops it. SDM Vol. 2A, "FISTTP—Store Integer With Truncation". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { storingInteger } from "../../x87/patterns.ts";

export const FISTTP = x87Instruction("FISTTP", {
  feature: "SSE3",
  forms: [
    ["DF /1", "m16int"],
    ["DB /1", "m32int"],
    ["DD /1", "m64int"],
  ],
  operation: storingInteger(x87.fisttp, 1),
});
