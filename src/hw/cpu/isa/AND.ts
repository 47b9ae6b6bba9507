/** AND: logical and. SDM Vol. 2A, "AND—Logical AND". */

import { instruction } from "../instruction.ts";

export const AND = instruction("AND", {
  forms: [
    ["24 ib", "AL, imm8"],
    ["25 iw", "AX, imm16"],
    ["25 id", "EAX, imm32"],
    ["REX.W + 25 id", "RAX, imm32"],
    ["80 /4 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /4 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /4 iw", "r/m16, imm16"],
    ["81 /4 id", "r/m32, imm32"],
    ["REX.W + 81 /4 id", "r/m64, imm32"],
    ["83 /4 ib", "r/m16, imm8"],
    ["83 /4 ib", "r/m32, imm8"],
    ["REX.W + 83 /4 ib", "r/m64, imm8"],
    ["20 /r", "r/m8, r8"],
    ["21 /r", "r/m16, r16"],
    ["21 /r", "r/m32, r32"],
    ["REX.W + 21 /r", "r/m64, r64"],
    ["22 /r", "r8, r/m8"],
    ["23 /r", "r16, r/m16"],
    ["23 /r", "r32, r/m32"],
    ["REX.W + 23 /r", "r64, r/m64"],
  ],
  lock: true,
  undefined: ["AF"],
  semantics: (u, dst, src) => {
    const result = u.and(u.read(dst), u.readSigned(src, dst.width));
    u.write(dst, result);
    u.flagsOfLogic(result);
  },
});
