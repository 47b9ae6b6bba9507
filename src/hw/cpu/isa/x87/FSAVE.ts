/** FNSAVE: stores the whole unit and initializes it; FSAVE is WAIT and this. SDM Vol. 2A, "FSAVE/FNSAVE—Store x87 FPU State". */

import { environmentOf, layoutFor, stackOf } from "../../x87/environment.ts";
import { x87Instruction } from "../../x87/instruction.ts";

export const FSAVE = x87Instruction("FNSAVE", {
  forms: [["DD /6", "m94/108byte", { sizes: [16, 32] }]],
  kind: "noWait",
  operation: (x) => {
    const environment = environmentOf(x.unit, layoutFor(x.context));
    const fault = x.store(Uint8Array.from([...environment, ...stackOf(x.unit)]));
    if (fault !== null) return fault;
    x.unit.initialize();
    return null;
  },
});
