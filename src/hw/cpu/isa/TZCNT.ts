/** TZCNT: count the number of trailing zero bits. SDM Vol. 2D, "TZCNT—Count the Number of Trailing Zero Bits". */

import { instruction } from "../instruction.ts";

export const TZCNT = instruction("TZCNT", {
  feature: "BMI1",
  forms: [
    ["F3 0F BC /r", "r16, r/m16"],
    ["F3 0F BC /r", "r32, r/m32"],
    ["F3 REX.W 0F BC /r", "r64, r/m64"],
  ],
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: (u, dst, src) => {
    const a = u.read(src);
    const count = u.unary("ctz", a);
    u.write(dst, count);
    u.setFlags({ CF: u.isZero(a), ZF: u.isZero(count) });
  },
});
