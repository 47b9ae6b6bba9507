/**
 * PSRLW, PSRLD, PSRLQ: lanes to the right, with zeros.
 * SDM Vol. 2B, "PSRLW/PSRLD/PSRLQ—Shift Packed Data Right Logical".
 */

import type { Instruction } from "../../instruction.ts";
import { shiftLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSRLW: readonly Instruction[] = [
  vectorInstruction("PSRLW", {
    feature: "SSE2",
    forms: [
      ["NP 0F D1 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D1 /r", "xmm1, xmm2/m128"],
      ["NP 0F 71 /2 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 71 /2 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shr", 16),
  }),
  vectorInstruction("PSRLD", {
    feature: "SSE2",
    forms: [
      ["NP 0F D2 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D2 /r", "xmm1, xmm2/m128"],
      ["NP 0F 72 /2 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 72 /2 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shr", 32),
  }),
  vectorInstruction("PSRLQ", {
    feature: "SSE2",
    forms: [
      ["NP 0F D3 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D3 /r", "xmm1, xmm2/m128"],
      ["NP 0F 73 /2 ib", "mm, imm8", { feature: "MMX" }],
      ["66 0F 73 /2 ib", "xmm1, imm8"],
    ],
    semantics: shiftLanes("shr", 64),
  }),
];
