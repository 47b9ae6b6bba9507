/** MOVBE: move data after swapping bytes. SDM Vol. 2B, "MOVBE—Move Data After Swapping Bytes". */

import { instruction } from "../instruction.ts";

export const MOVBE = instruction("MOVBE", {
  feature: "MOVBE",
  forms: [
    ["NFx 0F 38 F0 /r", "r16, m16"],
    ["NFx 0F 38 F0 /r", "r32, m32"],
    ["NFx REX.W + 0F 38 F0 /r", "r64, m64"],
    ["NFx 0F 38 F1 /r", "m16, r16"],
    ["NFx 0F 38 F1 /r", "m32, r32"],
    ["NFx REX.W + 0F 38 F1 /r", "m64, r64"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.unary("byteSwap", u.read(src))),
});
