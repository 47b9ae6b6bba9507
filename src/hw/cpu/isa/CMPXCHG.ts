/** CMPXCHG: compare and exchange. SDM Vol. 2A, "CMPXCHG—Compare and Exchange". */

import { instruction } from "../instruction.ts";

export const CMPXCHG = instruction("CMPXCHG", {
  forms: [
    ["0F B0 /r", "r/m8, r8"],
    ["0F B1 /r", "r/m16, r16"],
    ["0F B1 /r", "r/m32, r32"],
    ["REX.W + 0F B1 /r", "r/m64, r64"],
  ],
  lock: true,
  semantics: (u, dst, src) => {
    const { width } = dst;
    const accumulator = { index: -1, width, place: "gpr", gpr: "rAX" } as const;
    const expected = u.read(accumulator);
    const found = u.read(dst);
    const replacement = u.read(src);
    const isEqual = u.eq(expected, found);
    // A destination in memory is written in either case.
    if (dst.place === "memory") u.write(dst, u.select(isEqual, replacement, found));
    else u.writeIf(isEqual, dst, replacement);
    u.writeIf(u.not(isEqual), accumulator, found);
    u.flagsOfSub(expected, found, u.sub(expected, found));
  },
});
