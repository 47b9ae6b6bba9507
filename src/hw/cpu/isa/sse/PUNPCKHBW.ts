/**
 * PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, PUNPCKHQDQ: the high lanes of two registers in turn.
 * SDM Vol. 2B, "PUNPCKHBW/PUNPCKHWD/PUNPCKHDQ/PUNPCKHQDQ—Unpack High Data".
 */

import type { Instruction } from "../../instruction.ts";
import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PUNPCKHBW: readonly Instruction[] = [
  vectorInstruction("PUNPCKHBW", {
    feature: "SSE2",
    forms: [
      ["NP 0F 68 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 68 /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(8, "high"),
  }),
  vectorInstruction("PUNPCKHWD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 69 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 69 /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(16, "high"),
  }),
  vectorInstruction("PUNPCKHDQ", {
    feature: "SSE2",
    forms: [
      ["NP 0F 6A /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 6A /r", "xmm1, xmm2/m128"],
    ],
    semantics: interleave(32, "high"),
  }),
  vectorInstruction("PUNPCKHQDQ", {
    feature: "SSE2",
    forms: [["66 0F 6D /r", "xmm1, xmm2/m128"]],
    semantics: interleave(64, "high"),
  }),
];
