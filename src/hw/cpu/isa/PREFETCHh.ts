/** PREFETCHh: prefetch data into caches. SDM Vol. 2B, "PREFETCHh—Prefetch Data Into Caches". There are no caches, and a prefetch never faults. */

import { type Instruction, instruction } from "../instruction.ts";

const prefetch = (mnemonic: string, digit: number): Instruction =>
  instruction(mnemonic, { forms: [[`0F 18 /${digit}`, "m8"]], semantics: () => undefined });

export const PREFETCHh: readonly Instruction[] = [
  prefetch("PREFETCHNTA", 0),
  prefetch("PREFETCHT0", 1),
  prefetch("PREFETCHT1", 2),
  prefetch("PREFETCHT2", 3),
];
