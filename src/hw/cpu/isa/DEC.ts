/** DEC: decrement by 1. SDM Vol. 2A, "DEC—Decrement by 1". */

import { instruction } from "../instruction.ts";

export const DEC = instruction("DEC", {
  forms: [
    ["FE /1", "r/m8"],
    ["FF /1", "r/m16"],
    ["FF /1", "r/m32"],
    ["REX.W + FF /1", "r/m64"],
    ["48+rw", "r16", { modes: "NE/V" }],
    ["48+rd", "r32", { modes: "NE/V" }],
  ],
  lock: true,
  semantics: (u, dst) => {
    const a = u.read(dst);
    const result = u.sub(a, u.const(dst.width, 1));
    u.write(dst, result);
    // As for a subtraction of 1, but CF stays.
    const edge = u.eq(a, u.const(dst.width, 1n << BigInt(dst.width - 1)));
    u.setFlags({ OF: edge, AF: u.bit(u.xor(a, result), 4) }, result);
  },
});
