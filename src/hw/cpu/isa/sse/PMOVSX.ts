/** PMOVSX: the lowest lanes, extended to wider ones. SDM Vol. 2B, "PMOVSX—Packed Move With Sign Extend". */

import type { Instruction } from "../../instruction.ts";
import { extension } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMOVSX: readonly Instruction[] = [
  vectorInstruction("PMOVSXBW", {
    feature: "SSE4.1",
    forms: [["66 0F 38 20 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendSigned", 8, 16),
  }),
  vectorInstruction("PMOVSXBD", {
    feature: "SSE4.1",
    forms: [["66 0F 38 21 /r", "xmm1, xmm2/m32"]],
    semantics: extension("extendSigned", 8, 32),
  }),
  vectorInstruction("PMOVSXBQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 22 /r", "xmm1, xmm2/m16"]],
    semantics: extension("extendSigned", 8, 64),
  }),
  vectorInstruction("PMOVSXWD", {
    feature: "SSE4.1",
    forms: [["66 0F 38 23 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendSigned", 16, 32),
  }),
  vectorInstruction("PMOVSXWQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 24 /r", "xmm1, xmm2/m32"]],
    semantics: extension("extendSigned", 16, 64),
  }),
  vectorInstruction("PMOVSXDQ", {
    feature: "SSE4.1",
    forms: [["66 0F 38 25 /r", "xmm1, xmm2/m64"]],
    semantics: extension("extendSigned", 32, 64),
  }),
];
