/** FFREE, FFREEP: marks a register as empty, and pops. SDM Vol. 2A, "FFREE—Free Floating-Point Register". */

import type { Instruction } from "../../instruction.ts";
import { x87Instruction, type X87Operation } from "../../x87/instruction.ts";
import { exactly } from "../../x87/patterns.ts";

function freeing(pops: number): X87Operation {
  return (x) =>
    x.complete(exactly(null), () => {
      x.unit.free(x.stackIndex(0));
      x.unit.pop(pops);
    });
}

export const FFREE: readonly Instruction[] = [
  x87Instruction("FFREE", { forms: [["DD C0+i", "ST(i)"]], operation: freeing(0) }),
  // Reserved, and the same on every processor.
  x87Instruction("FFREEP", { forms: [["DF C0+i", "ST(i)"]], operation: freeing(1) }),
];
