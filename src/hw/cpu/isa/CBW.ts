/** CBW, CWDE, CDQE: sign-extend the accumulator. SDM Vol. 2A, "CBW/CWDE/CDQE—Convert Byte to Word/Convert Word to Doubleword/Convert Doubleword to Quadword". */

import { type Instruction, instruction } from "../instruction.ts";

const extend = (mnemonic: string, opcode: string, to: 16 | 32 | 64): Instruction =>
  instruction(mnemonic, {
    forms: [[opcode, "", { sizes: [to], modes: to === 64 ? "V/NE" : "V/V" }]],
    semantics: (u) => u.setGpr("rAX", u.signExtend(u.gpr("rAX", (to / 2) as 8 | 16 | 32), to)),
  });

export const CBW: readonly Instruction[] = [
  extend("CBW", "98", 16),
  extend("CWDE", "98", 32),
  extend("CDQE", "REX.W + 98", 64),
];
