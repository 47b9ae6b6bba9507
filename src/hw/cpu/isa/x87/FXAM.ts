/** FXAM: the class and sign of ST(0), empty or not. SDM Vol. 2A, "FXAM—Examine Floating-Point". */

import { x87 } from "../../softfloat/index.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { CONDITIONS } from "../../x87/unit.ts";

export const FXAM = x87Instruction("FXAM", {
  forms: [["D9 E5", ""]],
  operation: ({ unit }) => {
    unit.setConditions(CONDITIONS, x87.fxam(unit.st(0), unit.isEmpty(0)));
    return null;
  },
});
