/**
 * PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ, PUNPCKLQDQ: the low lanes of two registers in turn.
 * SDM Vol. 2B, "PUNPCKLBW/PUNPCKLWD/PUNPCKLDQ/PUNPCKLQDQ—Unpack Low Data".
 */

import type { Instruction } from "../../instruction.ts";
import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PUNPCKLBW: readonly Instruction[] = [
  vectorInstruction("PUNPCKLBW", {
    feature: "SSE2",
    forms: [
      ["NP 0F 60 /r", "mm, mm/m32", { feature: "MMX" }],
      ["66 0F 60 /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(8, "low"),
  }),
  vectorInstruction("PUNPCKLWD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 61 /r", "mm, mm/m32", { feature: "MMX" }],
      ["66 0F 61 /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(16, "low"),
  }),
  vectorInstruction("PUNPCKLDQ", {
    feature: "SSE2",
    forms: [
      ["NP 0F 62 /r", "mm, mm/m32", { feature: "MMX" }],
      ["66 0F 62 /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(32, "low"),
  }),
  vectorInstruction("PUNPCKLQDQ", {
    feature: "SSE2",
    forms: [["66 0F 6C /r", "xmm1, xmm2/m128"]],
    semantics: interleave(64, "low"),
  }),
];
