/**
 * PEXTRB, PEXTRD, PEXTRQ: a lane to a general register or memory.
 * SDM Vol. 2B, "PEXTRB/PEXTRD/PEXTRQ—Extract Byte/Dword/Qword".
 */

import type { Instruction } from "../../instruction.ts";
import { extractByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PEXTRB: readonly Instruction[] = [
  vectorInstruction("PEXTRB", {
    feature: "SSE4.1",
    forms: [["66 0F 3A 14 /r ib", "reg/m8, xmm2, imm8"]],
    semantics: extractByImmediate(8),
  }),
  vectorInstruction("PEXTRD", {
    feature: "SSE4.1",
    forms: [["66 0F 3A 16 /r ib", "r/m32, xmm2, imm8"]],
    semantics: extractByImmediate(32),
  }),
  vectorInstruction("PEXTRQ", {
    feature: "SSE4.1",
    forms: [["66 REX.W 0F 3A 16 /r ib", "r/m64, xmm2, imm8"]],
    semantics: extractByImmediate(64),
  }),
];
