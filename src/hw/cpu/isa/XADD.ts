/** XADD: exchange and add. SDM Vol. 2D, "XADD—Exchange and Add". */

import { instruction } from "../instruction.ts";

export const XADD = instruction("XADD", {
  forms: [
    ["0F C0 /r", "r/m8, r8"],
    ["0F C1 /r", "r/m16, r16"],
    ["0F C1 /r", "r/m32, r32"],
    ["REX.W + 0F C1 /r", "r/m64, r64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const [a, b] = [u.read(dst), u.read(src)];
    const sum = u.add(a, b);
    // With the same register twice the sum stays.
    u.write(src, a);
    u.write(dst, sum);
    u.flagsOfAdd(a, b, sum);
  },
});
