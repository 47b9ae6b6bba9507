/** XOR: logical exclusive or. SDM Vol. 2D, "XOR—Logical Exclusive OR". */

import { instruction } from "../instruction.ts";

export const XOR = instruction("XOR", {
  forms: [
    ["34 ib", "AL, imm8"],
    ["35 iw", "AX, imm16"],
    ["35 id", "EAX, imm32"],
    ["REX.W + 35 id", "RAX, imm32"],
    ["80 /6 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /6 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /6 iw", "r/m16, imm16"],
    ["81 /6 id", "r/m32, imm32"],
    ["REX.W + 81 /6 id", "r/m64, imm32"],
    ["83 /6 ib", "r/m16, imm8"],
    ["83 /6 ib", "r/m32, imm8"],
    ["REX.W + 83 /6 ib", "r/m64, imm8"],
    ["30 /r", "r/m8, r8"],
    ["31 /r", "r/m16, r16"],
    ["31 /r", "r/m32, r32"],
    ["REX.W + 31 /r", "r/m64, r64"],
    ["32 /r", "r8, r/m8"],
    ["33 /r", "r16, r/m16"],
    ["33 /r", "r32, r/m32"],
    ["REX.W + 33 /r", "r64, r/m64"],
  ],
  lock: true,
  undefined: ["AF"],
  semantics: (u, dst, src) => {
    const result = u.xor(u.read(dst), u.readSigned(src, dst.width));
    u.write(dst, result);
    u.flagsOfLogic(result);
  },
});
