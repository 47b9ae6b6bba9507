/** NEG: two's complement negation. SDM Vol. 2B, "NEG—Two's Complement Negation". */

import { instruction } from "../instruction.ts";

export const NEG = instruction("NEG", {
  forms: [
    ["F6 /3", "r/m8"],
    ["F7 /3", "r/m16"],
    ["F7 /3", "r/m32"],
    ["REX.W + F7 /3", "r/m64"],
  ],
  lock: true,
  semantics: (u, dst) => {
    const zero = u.const(dst.width, 0);
    const a = u.read(dst);
    const result = u.sub(zero, a);
    u.write(dst, result);
    u.flagsOfSub(zero, a, result);
  },
});
