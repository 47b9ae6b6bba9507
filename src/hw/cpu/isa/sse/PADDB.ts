/** PADDB, PADDW, PADDD, PADDQ: sums. SDM Vol. 2B, "PADDB/PADDW/PADDD/PADDQ—Add Packed Integers". */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PADDB: readonly Instruction[] = [
  vectorInstruction("PADDB", {
    feature: "SSE2",
    forms: [
      ["NP 0F FC /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F FC /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("add", 8),
  }),
  vectorInstruction("PADDW", {
    feature: "SSE2",
    forms: [
      ["NP 0F FD /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F FD /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("add", 16),
  }),
  vectorInstruction("PADDD", {
    feature: "SSE2",
    forms: [
      ["NP 0F FE /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F FE /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("add", 32),
  }),
  vectorInstruction("PADDQ", {
    feature: "SSE2",
    forms: [
      ["NP 0F D4 /r", "mm, mm/m64", { feature: "MMX" }],
      ["66 0F D4 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("add", 64),
  }),
];
