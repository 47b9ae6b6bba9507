/** BSWAP: byte swap. SDM Vol. 2A, "BSWAP—Byte Swap". With 16 bits, which the manual leaves undefined, the result is 0. */

import { instruction } from "../instruction.ts";

export const BSWAP = instruction("BSWAP", {
  forms: [
    ["0F C8+rw", "r16"],
    ["0F C8+rd", "r32"],
    ["REX.W + 0F C8+rd", "r64"],
  ],
  semantics: (u, dst) =>
    u.write(dst, dst.width === 16 ? u.const(16, 0) : u.unary("byteSwap", u.read(dst))),
});
