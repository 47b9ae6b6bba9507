/**
 * PCMPGTB, PCMPGTW, PCMPGTD: ones where greater, as signed.
 * SDM Vol. 2B, "PCMPGTB/PCMPGTW/PCMPGTD—Compare Packed Signed Integers for Greater Than".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPGTB: readonly Instruction[] = [
  vectorInstruction("PCMPGTB", {
    feature: "SSE2",
    forms: [
      ["NP 0F 64 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 64 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("gtSigned", 8),
  }),
  vectorInstruction("PCMPGTW", {
    feature: "SSE2",
    forms: [
      ["NP 0F 65 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 65 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("gtSigned", 16),
  }),
  vectorInstruction("PCMPGTD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 66 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 66 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("gtSigned", 32),
  }),
];
