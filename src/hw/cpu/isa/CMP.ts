/** CMP: comparison. SDM Vol. 2A, "CMP—Compare Two Operands". */

import { instruction } from "../instruction.ts";

export const CMP = instruction("CMP", {
  forms: [
    ["3C ib", "AL, imm8"],
    ["3D iw", "AX, imm16"],
    ["3D id", "EAX, imm32"],
    ["REX.W + 3D id", "RAX, imm32"],
    ["80 /7 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /7 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /7 iw", "r/m16, imm16"],
    ["81 /7 id", "r/m32, imm32"],
    ["REX.W + 81 /7 id", "r/m64, imm32"],
    ["83 /7 ib", "r/m16, imm8"],
    ["83 /7 ib", "r/m32, imm8"],
    ["REX.W + 83 /7 ib", "r/m64, imm8"],
    ["38 /r", "r/m8, r8"],
    ["39 /r", "r/m16, r16"],
    ["39 /r", "r/m32, r32"],
    ["REX.W + 39 /r", "r/m64, r64"],
    ["3A /r", "r8, r/m8"],
    ["3B /r", "r16, r/m16"],
    ["3B /r", "r32, r/m32"],
    ["REX.W + 3B /r", "r64, r/m64"],
  ],
  semantics: (u, dst, src) => {
    const a = u.read(dst);
    const b = u.readSigned(src, dst.width);
    u.flagsOfSub(a, b, u.sub(a, b));
  },
});
