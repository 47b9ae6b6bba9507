/**
 * PSUBUSB, PSUBUSW: differences, saturated as unsigned.
 * SDM Vol. 2B, "PSUBUSB/PSUBUSW—Subtract Packed Unsigned Integers With Unsigned Saturation".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSUBUSB: readonly Instruction[] = [
  vectorInstruction("PSUBUSB", {
    feature: "SSE2",
    forms: [
      ["NP 0F D8 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D8 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("subSaturateUnsigned", 8),
  }),
  vectorInstruction("PSUBUSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F D9 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D9 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("subSaturateUnsigned", 16),
  }),
];
