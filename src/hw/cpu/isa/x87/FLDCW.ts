/** FLDCW: loads the control word. SDM Vol. 2A, "FLDCW—Load x87 FPU Control Word". */

import { isFault } from "../../mmu.ts";
import { x87Instruction } from "../../x87/instruction.ts";

export const FLDCW = x87Instruction("FLDCW", {
  forms: [["D9 /5", "m2byte"]],
  kind: "control",
  operation: (x) => {
    const value = x.loadInteger(2);
    if (isFault(value)) return value;
    x.unit.control = Number(value);
    return null;
  },
});
