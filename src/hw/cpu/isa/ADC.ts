/** ADC: addition with carry. SDM Vol. 2A, "ADC—Add With Carry". */

import { instruction } from "../instruction.ts";

export const ADC = instruction("ADC", {
  forms: [
    ["14 ib", "AL, imm8"],
    ["15 iw", "AX, imm16"],
    ["15 id", "EAX, imm32"],
    ["REX.W + 15 id", "RAX, imm32"],
    ["80 /2 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /2 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /2 iw", "r/m16, imm16"],
    ["81 /2 id", "r/m32, imm32"],
    ["REX.W + 81 /2 id", "r/m64, imm32"],
    ["83 /2 ib", "r/m16, imm8"],
    ["83 /2 ib", "r/m32, imm8"],
    ["REX.W + 83 /2 ib", "r/m64, imm8"],
    ["10 /r", "r/m8, r8"],
    ["11 /r", "r/m16, r16"],
    ["11 /r", "r/m32, r32"],
    ["REX.W + 11 /r", "r/m64, r64"],
    ["12 /r", "r8, r/m8"],
    ["13 /r", "r16, r/m16"],
    ["13 /r", "r32, r/m32"],
    ["REX.W + 13 /r", "r64, r/m64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const a = u.read(dst);
    const b = u.readSigned(src, dst.width);
    const sum = u.add(u.add(a, b), u.zeroExtend(u.flag("CF"), dst.width));
    u.write(dst, sum);
    u.flagsOfAdd(a, b, sum);
  },
});
