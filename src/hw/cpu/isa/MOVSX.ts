/** MOVSX, MOVSXD: move with sign-extension. SDM Vol. 2B, "MOVSX/MOVSXD—Move With Sign-Extension". A row that the table has not, 16 bits to 16, is executed by processors. */

import { type Instruction, instruction, type InstructionText } from "../instruction.ts";

const semantics: InstructionText["semantics"] = (u, dst, src) =>
  u.write(dst, u.readSigned(src, dst.width));

export const MOVSX: readonly Instruction[] = [
  instruction("MOVSX", {
    forms: [
      ["0F BE /r", "r16, r/m8"],
      ["0F BE /r", "r32, r/m8"],
      ["REX.W + 0F BE /r", "r64, r/m8"],
      ["0F BF /r", "r16, r/m16"],
      ["0F BF /r", "r32, r/m16"],
      ["REX.W + 0F BF /r", "r64, r/m16"],
    ],
    semantics,
  }),
  instruction("MOVSXD", {
    forms: [
      ["63 /r", "r16, r/m16", { modes: "V/NE" }],
      ["63 /r", "r32, r/m32", { modes: "V/NE" }],
      ["REX.W + 63 /r", "r64, r/m32", { modes: "V/NE" }],
    ],
    semantics,
  }),
];
