/** BSF: bit scan forward. SDM Vol. 2A, "BSF—Bit Scan Forward". A source of 0 leaves the destination (APM Vol. 3, "BSF"). */

import { instruction } from "../instruction.ts";

export const BSF = instruction("BSF", {
  forms: [
    ["0F BC /r", "r16, r/m16"],
    ["0F BC /r", "r32, r/m32"],
    ["REX.W + 0F BC /r", "r64, r/m64"],
  ],
  undefined: ["CF", "OF", "SF", "AF", "PF"],
  semantics: (u, dst, src) => {
    const a = u.read(src);
    const isZero = u.isZero(a);
    u.writeIf(u.not(isZero), dst, u.unary("ctz", a));
    u.setFlags({ ZF: isZero });
  },
});
