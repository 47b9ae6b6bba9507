/**
 * PSUBSB, PSUBSW: differences, saturated as signed.
 * SDM Vol. 2B, "PSUBSB/PSUBSW—Subtract Packed Signed Integers With Signed Saturation".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSUBSB: readonly Instruction[] = [
  vectorInstruction("PSUBSB", {
    feature: "SSE2",
    forms: [
      ["NP 0F E8 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F E8 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("subSaturateSigned", 8),
  }),
  vectorInstruction("PSUBSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F E9 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F E9 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("subSaturateSigned", 16),
  }),
];
