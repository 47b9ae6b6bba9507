/** LMSW: load machine status word: the low four bits of CR0, of which PE can only be set. SDM Vol. 2A, "LMSW—Load Machine Status Word". */

import { writeControl } from "../../control-registers.ts";
import { isFault } from "../../mmu.ts";
import { CR0 } from "../../state.ts";
import { privilegedInstruction } from "../../system.ts";

const WORD = CR0.PE | CR0.MP | CR0.EM | CR0.TS;

export const LMSW = privilegedInstruction(
  "LMSW",
  { forms: [["0F 01 /6", "r/m16", { sizes: [null] }]] },
  (context) => {
    const word = context.readOperand(0, 16);
    if (isFault(word)) return word;
    const before = context.state.control("CR0");
    const value = (before & ~(WORD & ~CR0.PE)) | (word & WORD);
    return writeControl(context, { by: "LMSW", name: "CR0", value, register: 0 });
  },
);
