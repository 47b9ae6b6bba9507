/** PHADDW, PHADDD: sums of neighbours. SDM Vol. 2B, "PHADDW/PHADDD—Packed Horizontal Add". */

import type { Instruction } from "../../instruction.ts";
import { horizontalInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PHADDW: readonly Instruction[] = [
  vectorInstruction("PHADDW", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 01 /r", "mm, mm/m64"],
      ["66 0F 38 01 /r", "xmm1, xmm2/m128"],
    ],
    semantics: horizontalInteger("add", 16),
  }),
  vectorInstruction("PHADDD", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 02 /r", "mm, mm/m64"],
      ["66 0F 38 02 /r", "xmm1, xmm2/m128"],
    ],
    semantics: horizontalInteger("add", 32),
  }),
];
