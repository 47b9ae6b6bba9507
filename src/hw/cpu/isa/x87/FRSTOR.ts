/** FRSTOR: loads the whole unit. SDM Vol. 2A, "FRSTOR—Restore x87 FPU State". */

import { isFault } from "../../mmu.ts";
import {
  environmentBytes,
  layoutFor,
  loadEnvironment,
  loadStack,
  STACK_BYTES,
} from "../../x87/environment.ts";
import { x87Instruction } from "../../x87/instruction.ts";

export const FRSTOR = x87Instruction("FRSTOR", {
  forms: [["DD /4", "m94/108byte", { sizes: [16, 32] }]],
  kind: "control",
  operation: (x) => {
    const layout = layoutFor(x.context);
    const size = environmentBytes(layout);
    const bytes = x.load(size + STACK_BYTES);
    if (isFault(bytes)) return bytes;
    loadEnvironment(x.unit, bytes.subarray(0, size), layout);
    loadStack(x.unit, bytes.subarray(size));
    return null;
  },
});
