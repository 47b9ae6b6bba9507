/** LZCNT: count the number of leading zero bits. SDM Vol. 2A, "LZCNT—Count the Number of Leading Zero Bits". */

import { instruction } from "../instruction.ts";

export const LZCNT = instruction("LZCNT", {
  feature: "LZCNT",
  forms: [
    ["F3 0F BD /r", "r16, r/m16"],
    ["F3 0F BD /r", "r32, r/m32"],
    ["F3 REX.W 0F BD /r", "r64, r/m64"],
  ],
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: (u, dst, src) => {
    const a = u.read(src);
    const count = u.unary("clz", a);
    u.write(dst, count);
    u.setFlags({ CF: u.isZero(a), ZF: u.isZero(count) });
  },
});
