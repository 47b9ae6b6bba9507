/** SUB: integer subtraction. SDM Vol. 2B, "SUB—Subtract". */

import { instruction } from "../instruction.ts";

export const SUB = instruction("SUB", {
  forms: [
    ["2C ib", "AL, imm8"],
    ["2D iw", "AX, imm16"],
    ["2D id", "EAX, imm32"],
    ["REX.W + 2D id", "RAX, imm32"],
    ["80 /5 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /5 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /5 iw", "r/m16, imm16"],
    ["81 /5 id", "r/m32, imm32"],
    ["REX.W + 81 /5 id", "r/m64, imm32"],
    ["83 /5 ib", "r/m16, imm8"],
    ["83 /5 ib", "r/m32, imm8"],
    ["REX.W + 83 /5 ib", "r/m64, imm8"],
    ["28 /r", "r/m8, r8"],
    ["29 /r", "r/m16, r16"],
    ["29 /r", "r/m32, r32"],
    ["REX.W + 29 /r", "r/m64, r64"],
    ["2A /r", "r8, r/m8"],
    ["2B /r", "r16, r/m16"],
    ["2B /r", "r32, r/m32"],
    ["REX.W + 2B /r", "r64, r/m64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const a = u.read(dst);
    const b = u.readSigned(src, dst.width);
    const difference = u.sub(a, b);
    u.write(dst, difference);
    u.flagsOfSub(a, b, difference);
  },
});
