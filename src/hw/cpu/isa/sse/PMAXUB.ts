/** PMAXUB, PMAXUW: maxima of unsigned integers. SDM Vol. 2B, "PMAXUB/PMAXUW—Maximum of Packed Unsigned Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMAXUB: readonly Instruction[] = [
  vectorInstruction("PMAXUB", {
    feature: "SSE2",
    forms: [
      ["NP 0F DE /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F DE /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("maxUnsigned", 8),
  }),
  vectorInstruction("PMAXUW", {
    feature: "SSE4.1",
    forms: [["66 0F 38 3E /r", "xmm1, xmm2/m128"]],
    semantics: packedInteger("maxUnsigned", 16),
  }),
];
