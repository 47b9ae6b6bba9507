/** POPCNT: count of bits set. SDM Vol. 2B, "POPCNT—Return the Count of Number of Bits Set to 1". */

import { instruction } from "../instruction.ts";

export const POPCNT = instruction("POPCNT", {
  feature: "POPCNT",
  forms: [
    ["F3 0F B8 /r", "r16, r/m16"],
    ["F3 0F B8 /r", "r32, r/m32"],
    ["F3 REX.W 0F B8 /r", "r64, r/m64"],
  ],
  semantics: (u, dst, src) => {
    const a = u.read(src);
    u.write(dst, u.unary("popcnt", a));
    const none = u.const(1, 0);
    u.setFlags({ CF: none, OF: none, SF: none, AF: none, PF: none, ZF: u.isZero(a) });
  },
});
