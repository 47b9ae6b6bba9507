/**
 * PREFETCH, PREFETCHW: prefetch data, in anticipation of a write. SDM Vol. 2B, "PREFETCHW—Prefetch Data Into Caches in
 * Anticipation of a Write"; APM Vol. 3, "PREFETCH, PREFETCHW", which says what the reserved rows are taken as. There
 * are no caches, and a prefetch never faults.
 */

import { type Instruction, instruction } from "../instruction.ts";

const prefetch = (mnemonic: string, digits: readonly number[]): Instruction =>
  instruction(mnemonic, {
    forms: digits.map((digit) => [`0F 0D /${digit}`, "m8"]),
    semantics: () => undefined,
  });

export const PREFETCHW: readonly Instruction[] = [
  prefetch("PREFETCH", [0, 4, 5, 6, 7]),
  prefetch("PREFETCHW", [1, 3]),
  prefetch("PREFETCHWT1", [2]),
];
