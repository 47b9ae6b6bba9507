/** FNINIT: the state after a reset; FINIT is WAIT and this. SDM Vol. 2A, "FINIT/FNINIT—Initialize Floating-Point Unit". */

import { x87Instruction } from "../../x87/instruction.ts";

export const FINIT = x87Instruction("FNINIT", {
  forms: [["DB E3", ""]],
  kind: "noWait",
  operation: ({ unit }) => {
    unit.initialize();
    return null;
  },
});
