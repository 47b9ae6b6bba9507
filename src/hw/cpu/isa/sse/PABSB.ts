/** PABSB, PABSW, PABSD: absolute values. SDM Vol. 2B, "PABSB/PABSW/PABSD/PABSQ—Packed Absolute Value". */

import type { Instruction } from "../../instruction.ts";
import { packedUnary } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PABSB: readonly Instruction[] = [
  vectorInstruction("PABSB", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 1C /r", "mm, mm/m64"],
      ["66 0F 38 1C /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedUnary("abs", 8),
  }),
  vectorInstruction("PABSW", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 1D /r", "mm, mm/m64"],
      ["66 0F 38 1D /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedUnary("abs", 16),
  }),
  vectorInstruction("PABSD", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 1E /r", "mm, mm/m64"],
      ["66 0F 38 1E /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedUnary("abs", 32),
  }),
];
