/** UD0, UD1, UD2: undefined instruction. SDM Vol. 2D, "UD—Undefined Instruction". */

import { type Instruction, instruction } from "../instruction.ts";

const undefinedInstruction = (
  mnemonic: string,
  forms: Parameters<typeof instruction>[1]["forms"],
): Instruction =>
  instruction(mnemonic, {
    forms,
    semantics: (u) => u.faultIf(u.const(1, 1), "#UD"),
  });

export const UD: readonly Instruction[] = [
  undefinedInstruction("UD0", [
    ["0F FF /r", "r16, r/m16"],
    ["0F FF /r", "r32, r/m32"],
    ["REX.W + 0F FF /r", "r64, r/m64"],
  ]),
  undefinedInstruction("UD1", [
    ["0F B9 /r", "r16, r/m16"],
    ["0F B9 /r", "r32, r/m32"],
    ["REX.W + 0F B9 /r", "r64, r/m64"],
  ]),
  undefinedInstruction("UD2", [["0F 0B", ""]]),
];
