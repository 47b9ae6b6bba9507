/** PSLLW, PSLLD, PSLLQ: lanes to the left. SDM Vol. 2B, "PSLLW/PSLLD/PSLLQ—Shift Packed Data Left Logical". */

import type { Instruction } from "../../instruction.ts";
import { shiftLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSLLW: readonly Instruction[] = [
  vectorInstruction("PSLLW", {
    feature: "SSE2",
    forms: [
      ["NP 0F F1 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F F1 /r", "xmm1, xmm2/m128"],
      ["NP 0F 71 /6 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 71 /6 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shl", 16),
  }),
  vectorInstruction("PSLLD", {
    feature: "SSE2",
    forms: [
      ["NP 0F F2 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F F2 /r", "xmm1, xmm2/m128"],
      ["NP 0F 72 /6 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 72 /6 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shl", 32),
  }),
  vectorInstruction("PSLLQ", {
    feature: "SSE2",
    forms: [
      ["NP 0F F3 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F F3 /r", "xmm1, xmm2/m128"],
      ["NP 0F 73 /6 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 73 /6 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shl", 64),
  }),
];
