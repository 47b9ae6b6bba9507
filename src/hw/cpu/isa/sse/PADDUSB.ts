/**
 * PADDUSB, PADDUSW: sums, saturated as unsigned.
 * SDM Vol. 2B, "PADDUSB/PADDUSW—Add Packed Unsigned Integers With Unsigned Saturation".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PADDUSB: readonly Instruction[] = [
  vectorInstruction("PADDUSB", {
    feature: "SSE2",
    forms: [
      ["NP 0F DC /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F DC /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("addSaturateUnsigned", 8),
  }),
  vectorInstruction("PADDUSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F DD /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F DD /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("addSaturateUnsigned", 16),
  }),
];
