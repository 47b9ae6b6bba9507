/**
 * PMAXSB, PMAXSW, PMAXSD: maxima of signed integers.
 * SDM Vol. 2B, "PMAXSB/PMAXSW/PMAXSD/PMAXSQ—Maximum of Packed Signed Integers".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMAXSB: readonly Instruction[] = [
  vectorInstruction("PMAXSB", {
    feature: "SSE4.1",
    forms: [["66 0F 38 3C /r", "xmm1, xmm2/m128"]],
    semantics: packedInteger("maxSigned", 8),
  }),
  vectorInstruction("PMAXSW", {
    feature: "SSE2",
    forms: [
      ["NP 0F EE /r", "mm, mm/m64", { feature: "SSE" }],
      ["66 0F EE /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("maxSigned", 16),
  }),
  vectorInstruction("PMAXSD", {
    feature: "SSE4.1",
    forms: [["66 0F 38 3D /r", "xmm1, xmm2/m128"]],
    semantics: packedInteger("maxSigned", 32),
  }),
];
