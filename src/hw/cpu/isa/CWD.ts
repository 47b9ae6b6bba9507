/** CWD, CDQ, CQO: the accumulator's sign into rDX. SDM Vol. 2A, "CWD/CDQ/CQO—Convert Word to Doubleword/Convert Doubleword to Quadword". */

import { type Instruction, instruction } from "../instruction.ts";

const signOf = (mnemonic: string, opcode: string, width: 16 | 32 | 64): Instruction =>
  instruction(mnemonic, {
    forms: [[opcode, "", { sizes: [width], modes: width === 64 ? "V/NE" : "V/V" }]],
    semantics: (u) => u.setGpr("rDX", u.sar(u.gpr("rAX", width), u.const(width, width - 1))),
  });

export const CWD: readonly Instruction[] = [
  signOf("CWD", "99", 16),
  signOf("CDQ", "99", 32),
  signOf("CQO", "REX.W + 99", 64),
];
