/** ADD: integer addition. SDM Vol. 2A, "ADD—Add". */

import { instruction } from "../instruction.ts";

export const ADD = instruction("ADD", {
  forms: [
    ["04 ib", "AL, imm8"],
    ["05 iw", "AX, imm16"],
    ["05 id", "EAX, imm32"],
    ["REX.W + 05 id", "RAX, imm32"],
    ["80 /0 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /0 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /0 iw", "r/m16, imm16"],
    ["81 /0 id", "r/m32, imm32"],
    ["REX.W + 81 /0 id", "r/m64, imm32"],
    ["83 /0 ib", "r/m16, imm8"],
    ["83 /0 ib", "r/m32, imm8"],
    ["REX.W + 83 /0 ib", "r/m64, imm8"],
    ["00 /r", "r/m8, r8"],
    ["01 /r", "r/m16, r16"],
    ["01 /r", "r/m32, r32"],
    ["REX.W + 01 /r", "r/m64, r64"],
    ["02 /r", "r8, r/m8"],
    ["03 /r", "r16, r/m16"],
    ["03 /r", "r32, r/m32"],
    ["REX.W + 03 /r", "r64, r/m64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const a = u.read(dst);
    const b = u.readSigned(src, dst.width);
    const sum = u.add(a, b);
    u.write(dst, sum);
    u.flagsOfAdd(a, b, sum);
  },
});
