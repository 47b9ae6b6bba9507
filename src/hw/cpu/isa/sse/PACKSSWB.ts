/**
 * PACKSSWB, PACKSSDW: half as wide, saturated as signed.
 * SDM Vol. 2B, "PACKSSWB/PACKSSDW—Pack With Signed Saturation".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PACKSSWB: readonly Instruction[] = [
  vectorInstruction("PACKSSWB", {
    feature: "SSE2",
    forms: [
      ["NP 0F 63 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 63 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("packSigned", 16),
  }),
  vectorInstruction("PACKSSDW", {
    feature: "SSE2",
    forms: [
      ["NP 0F 6B /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F 6B /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("packSigned", 32),
  }),
];
