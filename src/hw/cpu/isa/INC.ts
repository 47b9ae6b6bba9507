/** INC: increment by 1. SDM Vol. 2A, "INC—Increment by 1". */

import { instruction } from "../instruction.ts";

export const INC = instruction("INC", {
  forms: [
    ["FE /0", "r/m8"],
    ["FF /0", "r/m16"],
    ["FF /0", "r/m32"],
    ["REX.W + FF /0", "r/m64"],
    ["40+rw", "r16", { modes: "NE/V" }],
    ["40+rd", "r32", { modes: "NE/V" }],
  ],
  lock: true,
  semantics: (u, dst) => {
    const a = u.read(dst);
    const result = u.add(a, u.const(dst.width, 1));
    u.write(dst, result);
    // As for an addition of 1, but CF stays.
    const edge = u.eq(result, u.const(dst.width, 1n << BigInt(dst.width - 1)));
    u.setFlags({ OF: edge, AF: u.bit(u.xor(a, result), 4) }, result);
  },
});
