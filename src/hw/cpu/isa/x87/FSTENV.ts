/** FNSTENV: stores all that is not on the stack, and masks all exceptions; FSTENV is WAIT and this. SDM Vol. 2A, "FSTENV/FNSTENV—Store x87 FPU Environment". */

import { environmentOf, layoutFor } from "../../x87/environment.ts";
import { x87Instruction } from "../../x87/instruction.ts";

const ALL_MASKS = 0x3f;

export const FSTENV = x87Instruction("FNSTENV", {
  forms: [["D9 /6", "m14/28byte", { sizes: [16, 32] }]],
  kind: "noWait",
  operation: (x) => {
    const fault = x.store(environmentOf(x.unit, layoutFor(x.context)));
    if (fault !== null) return fault;
    x.unit.control |= ALL_MASKS;
    return null;
  },
});
