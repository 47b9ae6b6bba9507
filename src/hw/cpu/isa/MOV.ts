/** MOV: move between general registers, memory and immediates. SDM Vol. 2B, "MOV—Move". */

import { instruction } from "../instruction.ts";

export const MOV = instruction("MOV", {
  forms: [
    ["88 /r", "r/m8, r8"],
    ["89 /r", "r/m16, r16"],
    ["89 /r", "r/m32, r32"],
    ["REX.W + 89 /r", "r/m64, r64"],
    ["8A /r", "r8, r/m8"],
    ["8B /r", "r16, r/m16"],
    ["8B /r", "r32, r/m32"],
    ["REX.W + 8B /r", "r64, r/m64"],
    ["A0", "AL, moffs8"],
    ["A1", "AX, moffs16"],
    ["A1", "EAX, moffs32"],
    ["REX.W + A1", "RAX, moffs64"],
    ["A2", "moffs8, AL"],
    ["A3", "moffs16, AX"],
    ["A3", "moffs32, EAX"],
    ["REX.W + A3", "moffs64, RAX"],
    ["B0+rb ib", "r8, imm8"],
    ["B8+rw iw", "r16, imm16"],
    ["B8+rd id", "r32, imm32"],
    ["REX.W + B8+rd io", "r64, imm64"],
    ["C6 /0 ib", "r/m8, imm8"],
    ["C7 /0 iw", "r/m16, imm16"],
    ["C7 /0 id", "r/m32, imm32"],
    ["REX.W + C7 /0 id", "r/m64, imm32"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.readSigned(src, dst.width)),
});
