/** PHSUBW, PHSUBD: differences of neighbours. SDM Vol. 2B, "PHSUBW/PHSUBD—Packed Horizontal Subtract". */

import type { Instruction } from "../../instruction.ts";
import { horizontalInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PHSUBW: readonly Instruction[] = [
  vectorInstruction("PHSUBW", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 05 /r", "mm, mm/m64"],
      ["66 0F 38 05 /r", "xmm1, xmm2/m128"],
    ],
    semantics: horizontalInteger("sub", 16),
  }),
  vectorInstruction("PHSUBD", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 06 /r", "mm, mm/m64"],
      ["66 0F 38 06 /r", "xmm1, xmm2/m128"],
    ],
    semantics: horizontalInteger("sub", 32),
  }),
];
