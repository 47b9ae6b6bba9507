/**
 * NOP: no operation. SDM Vol. 2B, "NOP—No Operation"; the rows that it has no line for are the Reserved-NOP of Vol. 2D,
 * "Two-byte Opcode Map", which later hints were taken from. They do not touch their operands.
 */

import type { FormRow } from "../forms.ts";
import { instruction } from "../instruction.ts";

const operand = (opcode: string, digits: readonly number[], kind: "r/m" | "r"): FormRow[] =>
  digits.flatMap((digit): FormRow[] => [
    [`${opcode} /${digit}`, `${kind}16`],
    [`${opcode} /${digit}`, `${kind}32`],
    [`REX.W + ${opcode} /${digit}`, `${kind}64`],
  ]);

export const NOP = instruction("NOP", {
  forms: [
    ["90", ""],
    ...operand("0F 1F", [0], "r/m"),
    // Memory is PREFETCHh there.
    ...operand("0F 18", [0, 1, 2, 3], "r"),
    ...operand("0F 18", [4, 5, 6, 7], "r/m"),
    ...["0F 19", "0F 1A", "0F 1B", "0F 1C", "0F 1D", "0F 1E"].flatMap((opcode): FormRow[] => [
      [`${opcode} /r`, "r/m16, r16"],
      [`${opcode} /r`, "r/m32, r32"],
      [`REX.W + ${opcode} /r`, "r/m64, r64"],
    ]),
    ...operand("0F 1F", [1, 2, 3, 4, 5, 6, 7], "r/m"),
  ],
  semantics: () => undefined,
});
