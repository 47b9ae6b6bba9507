/** OR: logical inclusive or. SDM Vol. 2B, "OR—Logical Inclusive OR". */

import { instruction } from "../instruction.ts";

export const OR = instruction("OR", {
  forms: [
    ["0C ib", "AL, imm8"],
    ["0D iw", "AX, imm16"],
    ["0D id", "EAX, imm32"],
    ["REX.W + 0D id", "RAX, imm32"],
    ["80 /1 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /1 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /1 iw", "r/m16, imm16"],
    ["81 /1 id", "r/m32, imm32"],
    ["REX.W + 81 /1 id", "r/m64, imm32"],
    ["83 /1 ib", "r/m16, imm8"],
    ["83 /1 ib", "r/m32, imm8"],
    ["REX.W + 83 /1 ib", "r/m64, imm8"],
    ["08 /r", "r/m8, r8"],
    ["09 /r", "r/m16, r16"],
    ["09 /r", "r/m32, r32"],
    ["REX.W + 09 /r", "r/m64, r64"],
    ["0A /r", "r8, r/m8"],
    ["0B /r", "r16, r/m16"],
    ["0B /r", "r32, r/m32"],
    ["REX.W + 0B /r", "r64, r/m64"],
  ],
  lock: true,
  undefined: ["AF"],
  semantics: (u, dst, src) => {
    const result = u.or(u.read(dst), u.readSigned(src, dst.width));
    u.write(dst, result);
    u.flagsOfLogic(result);
  },
});
