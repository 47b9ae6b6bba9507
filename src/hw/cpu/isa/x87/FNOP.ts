/** FNOP: nothing but what every instruction of the unit does. SDM Vol. 2A, "FNOP—No Operation". */

import { x87Instruction } from "../../x87/instruction.ts";

export const FNOP = x87Instruction("FNOP", { forms: [["D9 D0", ""]], operation: () => null });
