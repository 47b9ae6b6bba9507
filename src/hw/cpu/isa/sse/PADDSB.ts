/**
 * PADDSB, PADDSW: sums, saturated as signed.
 * SDM Vol. 2B, "PADDSB/PADDSW—Add Packed Signed Integers with Signed Saturation".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PADDSB: readonly Instruction[] = [
  vectorInstruction("PADDSB", {
    feature: "SSE2",
    forms: [
      ["NP 0F EC /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F EC /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("addSaturateSigned", 8),
  }),
  vectorInstruction("PADDSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F ED /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F ED /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("addSaturateSigned", 16),
  }),
];
