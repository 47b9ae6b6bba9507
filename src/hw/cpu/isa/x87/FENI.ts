/**
 * FNENI, FNDISI, FNSETPM: meant something to the 8087 and the 80287, and now nothing.
 * SDM Vol. 3, "x87 FPU", "Instructions With Different Behavior", "FSETPM Instruction".
 */

import type { Instruction } from "../../instruction.ts";
import { x87Instruction } from "../../x87/instruction.ts";

const nothing = (mnemonic: string, opcode: string): Instruction =>
  x87Instruction(mnemonic, { forms: [[opcode, ""]], kind: "noWait", operation: () => null });

export const FENI: readonly Instruction[] = [
  nothing("FNENI", "DB E0"),
  nothing("FNDISI", "DB E1"),
  nothing("FNSETPM", "DB E4"),
];
