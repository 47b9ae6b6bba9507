/** PMOVZX: the lowest lanes, extended to wider ones. SDM Vol. 2B, "PMOVZX—Packed Move With Zero Extend". */

import type { Instruction } from "../../instruction.ts";
import { extension } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMOVZX: readonly Instruction[] = [
  vectorInstruction("PMOVZXBW", {
    feature: "SSE4.1",
    forms: [["66 0F 38 30 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendUnsigned", 8, 16),
  }),
  vectorInstruction("PMOVZXBD", {
    feature: "SSE4.1",
    forms: [["66 0F 38 31 /r", "xmm1, xmm2/m32"]],
    semantics: extension("extendUnsigned", 8, 32),
  }),
  vectorInstruction("PMOVZXBQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 32 /r", "xmm1, xmm2/m16"]],
    semantics: extension("extendUnsigned", 8, 64),
  }),
  vectorInstruction("PMOVZXWD", {
    feature: "SSE4.1",
    forms: [["66 0F 38 33 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendUnsigned", 16, 32),
  }),
  vectorInstruction("PMOVZXWQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 34 /r", "xmm1, xmm2/m32"]],
    semantics: extension("extendUnsigned", 16, 64),
  }),
  vectorInstruction("PMOVZXDQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 35 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendUnsigned", 32, 64),
  }),
];
