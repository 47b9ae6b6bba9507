/** FNSTCW: stores the control word; FSTCW is WAIT and this. SDM Vol. 2A, "FSTCW/FNSTCW—Store x87 FPU Control Word". */

import { x87Instruction } from "../../x87/instruction.ts";

export const FSTCW = x87Instruction("FNSTCW", {
  forms: [["D9 /7", "m2byte"]],
  kind: "noWait",
  operation: (x) => x.storeInteger(2, BigInt(x.unit.control)),
});
