/** SBB: subtraction with borrow. SDM Vol. 2B, "SBB—Integer Subtraction With Borrow". */

import { instruction } from "../instruction.ts";

export const SBB = instruction("SBB", {
  forms: [
    ["1C ib", "AL, imm8"],
    ["1D iw", "AX, imm16"],
    ["1D id", "EAX, imm32"],
    ["REX.W + 1D id", "RAX, imm32"],
    ["80 /3 ib", "r/m8, imm8"],
    // In the opcode map only (SDM Vol. 2D, "Opcode Extensions").
    ["82 /3 ib", "r/m8, imm8", { modes: "I/V" }],
    ["81 /3 iw", "r/m16, imm16"],
    ["81 /3 id", "r/m32, imm32"],
    ["REX.W + 81 /3 id", "r/m64, imm32"],
    ["83 /3 ib", "r/m16, imm8"],
    ["83 /3 ib", "r/m32, imm8"],
    ["REX.W + 83 /3 ib", "r/m64, imm8"],
    ["18 /r", "r/m8, r8"],
    ["19 /r", "r/m16, r16"],
    ["19 /r", "r/m32, r32"],
    ["REX.W + 19 /r", "r/m64, r64"],
    ["1A /r", "r8, r/m8"],
    ["1B /r", "r16, r/m16"],
    ["1B /r", "r32, r/m32"],
    ["REX.W + 1B /r", "r64, r/m64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const a = u.read(dst);
    const b = u.readSigned(src, dst.width);
    const difference = u.sub(u.sub(a, b), u.zeroExtend(u.flag("CF"), dst.width));
    u.write(dst, difference);
    u.flagsOfSub(a, b, difference);
  },
});
