/** PSUBB, PSUBW, PSUBD: differences. SDM Vol. 2B, "PSUBB/PSUBW/PSUBD—Subtract Packed Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSUBB: readonly Instruction[] = [
  vectorInstruction("PSUBB", {
    feature: "SSE2",
    forms: [
      ["NP 0F F8 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F F8 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sub", 8),
  }),
  vectorInstruction("PSUBW", {
    feature: "SSE2",
    forms: [
      ["NP 0F F9 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F F9 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sub", 16),
  }),
  vectorInstruction("PSUBD", {
    feature: "SSE2",
    forms: [
      ["NP 0F FA /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F FA /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sub", 32),
  }),
];
