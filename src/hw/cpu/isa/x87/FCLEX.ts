/** FNCLEX: clears exceptions; FCLEX is WAIT and this. SDM Vol. 2A, "FCLEX/FNCLEX—Clear Exceptions". */

import { x87Instruction } from "../../x87/instruction.ts";

export const FCLEX = x87Instruction("FNCLEX", {
  forms: [["DB E2", ""]],
  kind: "noWait",
  operation: ({ unit }) => {
    unit.clearExceptions();
    return null;
  },
});
