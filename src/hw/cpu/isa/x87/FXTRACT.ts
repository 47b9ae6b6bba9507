/** FXTRACT: leaves the exponent and pushes the significand. SDM Vol. 2A, "FXTRACT—Extract Exponent and Significand". */

import { x87 } from "../../softfloat/index.ts";
import { INDEFINITE } from "../../x87/execution.ts";
import { x87Instruction } from "../../x87/instruction.ts";

export const FXTRACT = x87Instruction("FXTRACT", {
  forms: [["D9 F4", ""]],
  operation: (x) => {
    const { unit } = x;
    const indefinite = (): void => {
      unit.setSt(0, INDEFINITE);
      unit.push(INDEFINITE);
    };
    if (unit.isEmpty(0)) return x.stackFault("underflow", indefinite);
    if (!unit.isEmpty(-1)) return x.stackFault("overflow", indefinite);
    const result = x87.fxtract(x.number(0), unit.control);
    return x.complete(result, () => {
      unit.setSt(0, result.exponent);
      unit.push(result.value);
    });
  },
});
