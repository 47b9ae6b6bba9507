/**
 * PSRAW, PSRAD: lanes to the right, with the sign.
 * SDM Vol. 2B, "PSRAW/PSRAD/PSRAQ—Shift Packed Data Right Arithmetic".
 */

import type { Instruction } from "../../instruction.ts";
import { shiftLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSRAW: readonly Instruction[] = [
  vectorInstruction("PSRAW", {
    feature: "SSE2",
    forms: [
      ["NP 0F E1 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F E1 /r", "xmm1, xmm2/m128"],
      ["NP 0F 71 /4 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 71 /4 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("sar", 16),
  }),
  vectorInstruction("PSRAD", {
    feature: "SSE2",
    forms: [
      ["NP 0F E2 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F E2 /r", "xmm1, xmm2/m128"],
      ["NP 0F 72 /4 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 72 /4 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("sar", 32),
  }),
];
