/** TEST: logical compare. SDM Vol. 2B, "TEST—Logical Compare". Digit 1 is listed in APM Vol. 3, "TEST". */

import { instruction } from "../instruction.ts";

export const TEST = instruction("TEST", {
  forms: [
    ["A8 ib", "AL, imm8"],
    ["A9 iw", "AX, imm16"],
    ["A9 id", "EAX, imm32"],
    ["REX.W + A9 id", "RAX, imm32"],
    ["F6 /0 ib", "r/m8, imm8"],
    ["F7 /0 iw", "r/m16, imm16"],
    ["F7 /0 id", "r/m32, imm32"],
    ["REX.W + F7 /0 id", "r/m64, imm32"],
    ["F6 /1 ib", "r/m8, imm8"],
    ["F7 /1 iw", "r/m16, imm16"],
    ["F7 /1 id", "r/m32, imm32"],
    ["REX.W + F7 /1 id", "r/m64, imm32"],
    ["84 /r", "r/m8, r8"],
    ["85 /r", "r/m16, r16"],
    ["85 /r", "r/m32, r32"],
    ["REX.W + 85 /r", "r/m64, r64"],
  ],
  undefined: ["AF"],
  semantics: (u, a, b) => u.flagsOfLogic(u.and(u.read(a), u.readSigned(b, a.width))),
});
