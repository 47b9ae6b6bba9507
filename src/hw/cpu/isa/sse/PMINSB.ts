/** PMINSB, PMINSW: minima of signed integers. SDM Vol. 2B, "PMINSB/PMINSW—Minimum of Packed Signed Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMINSB: readonly Instruction[] = [
  vectorInstruction("PMINSB", {
    feature: "SSE4.1",
    forms: [["66 0F 38 38 /r", "xmm1, xmm2/m128"]],
    semantics: packedInteger("minSigned", 8),
  }),
  vectorInstruction("PMINSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F EA /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F EA /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("minSigned", 16),
  }),
];
