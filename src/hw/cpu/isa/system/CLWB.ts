/**
 * CLFLUSHOPT, CLWB: cache lines flushed and written back. SDM Vol. 2A, "CLFLUSHOPT—Flush Cache Line Optimized", "CLWB—
 * Cache Line Write Back". There are no caches; the address is checked as for a read of a byte.
 */

import { type Instruction, type InstructionText, instruction } from "../../instruction.ts";

const semantics: InstructionText["semantics"] = (u, line) => {
  if (line !== undefined) u.read(line);
};

export const CLWB: readonly Instruction[] = [
  instruction("CLFLUSHOPT", {
    feature: "CLFLUSHOPT",
    forms: [["66 0F AE /7", "m8"]],
    semantics,
  }),
  instruction("CLWB", { feature: "CLWB", forms: [["66 0F AE /6", "m8"]], semantics }),
];
