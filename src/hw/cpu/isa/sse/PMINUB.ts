/** PMINUB, PMINUW: minima of unsigned integers. SDM Vol. 2B, "PMINUB/PMINUW—Minimum of Packed Unsigned Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMINUB: readonly Instruction[] = [
  vectorInstruction("PMINUB", {
    feature: "SSE2",
    forms: [
      ["NP 0F DA /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F DA /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("minUnsigned", 8),
  }),
  vectorInstruction("PMINUW", {
    feature: "SSE4.1",
    forms: [["66 0F 38 3A /r", "xmm1, xmm2/m128"]],
    semantics: packedInteger("minUnsigned", 16),
  }),
];
