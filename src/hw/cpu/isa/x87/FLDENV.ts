/** FLDENV: loads all that is not on the stack. SDM Vol. 2A, "FLDENV—Load x87 FPU Environment". */

import { isFault } from "../../mmu.ts";
import { environmentBytes, layoutFor, loadEnvironment } from "../../x87/environment.ts";
import { x87Instruction } from "../../x87/instruction.ts";

export const FLDENV = x87Instruction("FLDENV", {
  forms: [["D9 /4", "m14/28byte", { sizes: [16, 32] }]],
  kind: "control",
  operation: (x) => {
    const layout = layoutFor(x.context);
    const bytes = x.load(environmentBytes(layout));
    if (isFault(bytes)) return bytes;
    loadEnvironment(x.unit, bytes, layout);
    return null;
  },
});
