/**
 * PINSRB, PINSRD, PINSRQ: a lane from a general register or memory.
 * SDM Vol. 2B, "PINSRB/PINSRD/PINSRQ—Insert Byte/Dword/Qword".
 */

import type { Instruction } from "../../instruction.ts";
import { insertByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PINSRB: readonly Instruction[] = [
  vectorInstruction("PINSRB", {
    feature: "SSE4.1",
    forms: [["66 0F 3A 20 /r ib", "xmm1, r32/m8, imm8", { sizes: [null] }]],
    semantics: insertByImmediate(8),
  }),
  vectorInstruction("PINSRD", {
    feature: "SSE4.1",
    forms: [["66 0F 3A 22 /r ib", "xmm1, r/m32, imm8"]],
    semantics: insertByImmediate(32),
  }),
  vectorInstruction("PINSRQ", {
    feature: "SSE4.1",
    forms: [["66 REX.W 0F 3A 22 /r ib", "xmm1, r/m64, imm8"]],
    semantics: insertByImmediate(64),
  }),
];
