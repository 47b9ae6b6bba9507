/** CRC32: accumulate a CRC with the polynomial 11EDC6F41h. SDM Vol. 2A, "CRC32—Accumulate CRC32 Value". */

import { instruction } from "../instruction.ts";

/** The polynomial without its highest bit, reflected as the instruction reflects its operands. */
const POLYNOMIAL = 0x82f6_3b78;

export const CRC32 = instruction("CRC32", {
  feature: "SSE4.2",
  forms: [
    ["F2 0F 38 F0 /r", "r32, r/m8", { sizes: [16, 32] }],
    ["F2 0F 38 F1 /r", "r32, r/m16", { sizes: [16] }],
    ["F2 0F 38 F1 /r", "r32, r/m32"],
    ["F2 REX.W 0F 38 F0 /r", "r64, r/m8"],
    ["F2 REX.W 0F 38 F1 /r", "r64, r/m64"],
  ],
  semantics: (u, dst, src) => {
    const polynomial = u.const(64, POLYNOMIAL);
    const one = u.const(64, 1);
    const start = u.zeroExtend(u.read({ ...dst, width: 32 }), 64);
    let crc = u.xor(start, u.zeroExtend(u.read(src), 64));
    for (let i = 0; i < src.width; i += 1) {
      const shifted = u.shr(crc, one);
      crc = u.select(u.bit(crc, 0), u.xor(shifted, polynomial), shifted);
    }
    u.write({ ...dst, width: 64 }, crc);
  },
});
