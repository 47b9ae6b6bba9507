/** MOVZX: move with zero-extension. SDM Vol. 2B, "MOVZX—Move With Zero-Extend". A row that the table has not, 16 bits to 16, is executed by processors. */

import { instruction } from "../instruction.ts";

export const MOVZX = instruction("MOVZX", {
  forms: [
    ["0F B6 /r", "r16, r/m8"],
    ["0F B6 /r", "r32, r/m8"],
    ["REX.W + 0F B6 /r", "r64, r/m8"],
    ["0F B7 /r", "r16, r/m16"],
    ["0F B7 /r", "r32, r/m16"],
    ["REX.W + 0F B7 /r", "r64, r/m16"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.zeroExtend(u.read(src), dst.width)),
});
