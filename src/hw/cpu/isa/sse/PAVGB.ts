/** PAVGB, PAVGW: averages, rounded up. SDM Vol. 2B, "PAVGB/PAVGW—Average Packed Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PAVGB: readonly Instruction[] = [
  vectorInstruction("PAVGB", {
    feature: "SSE2",
    forms: [
      ["NP 0F E0 /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F E0 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("average", 8),
  }),
  vectorInstruction("PAVGW", {
    feature: "SSE2",
    forms: [
      ["NP 0F E3 /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F E3 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("average", 16),
  }),
];
