/** CMPXCHG8B, CMPXCHG16B: compare and exchange 8 or 16 bytes. SDM Vol. 2A, "CMPXCHG8B/CMPXCHG16B—Compare and Exchange Bytes". */

import { type Instruction, instruction } from "../instruction.ts";
import type { Operand, Semantics } from "../semantics.ts";

function compareExchange(u: Semantics, dst: Operand, half: 32 | 64): void {
  const low = u.address(dst);
  const high = u.add(low, u.const(low.width, half / 8));
  if (half === 64) {
    const misaligned = u.and(u.linear("effective", low), u.const(64, 15));
    u.faultIf(u.isNotZero(misaligned), "#GP(0)");
  }
  const [foundLow, foundHigh] = [u.load("effective", low, half), u.load("effective", high, half)];
  const isEqual = u.and(u.eq(u.gpr("rAX", half), foundLow), u.eq(u.gpr("rDX", half), foundHigh));
  // Memory is written in either case.
  u.store("effective", low, u.select(isEqual, u.gpr("rBX", half), foundLow));
  u.store("effective", high, u.select(isEqual, u.gpr("rCX", half), foundHigh));
  for (const [gpr, found] of [
    ["rAX", foundLow],
    ["rDX", foundHigh],
  ] as const) {
    u.writeIf(u.not(isEqual), { index: -1, width: half, place: "gpr", gpr }, found);
  }
  u.setFlags({ ZF: isEqual });
}

export const CMPXCHG8B: readonly Instruction[] = [
  instruction("CMPXCHG8B", {
    feature: "CX8",
    forms: [["0F C7 /1", "m64", { sizes: [16, 32] }]],
    lock: true,
    semantics: (u, dst) => compareExchange(u, dst, 32),
  }),
  instruction("CMPXCHG16B", {
    feature: "CMPXCHG16B",
    forms: [["REX.W + 0F C7 /1", "m128", { modes: "V/NE" }]],
    lock: true,
    semantics: (u, dst) => compareExchange(u, dst, 64),
  }),
];
