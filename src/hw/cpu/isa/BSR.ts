/** BSR: bit scan reverse. SDM Vol. 2A, "BSR—Bit Scan Reverse". A source of 0 leaves the destination (APM Vol. 3, "BSR"). */

import { instruction } from "../instruction.ts";

export const BSR = instruction("BSR", {
  forms: [
    ["0F BD /r", "r16, r/m16"],
    ["0F BD /r", "r32, r/m32"],
    ["REX.W + 0F BD /r", "r64, r/m64"],
  ],
  undefined: ["CF", "OF", "SF", "AF", "PF"],
  semantics: (u, dst, src) => {
    const a = u.read(src);
    const isZero = u.isZero(a);
    u.writeIf(u.not(isZero), dst, u.xor(u.unary("clz", a), u.const(a.width, a.width - 1)));
    u.setFlags({ ZF: isZero });
  },
});
