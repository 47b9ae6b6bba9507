/**
 * PCMPEQB, PCMPEQW, PCMPEQD: ones where equal.
 * SDM Vol. 2B, "PCMPEQB/PCMPEQW/PCMPEQD—Compare Packed Data for Equal".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPEQB: readonly Instruction[] = [
  vectorInstruction("PCMPEQB", {
    feature: "SSE2",
    forms: [
      ["NP 0F 74 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 74 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("eq", 8),
  }),
  vectorInstruction("PCMPEQW", {
    feature: "SSE2",
    forms: [
      ["NP 0F 75 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 75 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("eq", 16),
  }),
  vectorInstruction("PCMPEQD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 76 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 76 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("eq", 32),
  }),
];
