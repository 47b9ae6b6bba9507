/**
 * MOVD, MOVQ: between a general register or memory and a vector.
 * SDM Vol. 2B, "MOVD/MOVQ—Move Doubleword/Move Quadword".
 */

import type { Instruction } from "../../instruction.ts";
import { type SseText, vectorInstruction } from "../../vector-semantics.ts";

const toVector: SseText["semantics"] = (v, dst, src) => v.write(dst, v.fromScalar(v.u.read(src)));

const fromVector: SseText["semantics"] = (v, dst, src) =>
  v.u.write(dst, v.extract(v.read(src), dst.width, 0));

export const MOVD: readonly Instruction[] = [
  vectorInstruction("MOVD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 6E /r", "mm, r/m32", { feature: "MMX" }],
      ["66 0F 6E /r", "xmm, r/m32"],
    ],
    semantics: toVector,
  }),
  vectorInstruction("MOVQ", {
    feature: "SSE2",
    forms: [
      ["NP REX.W 0F 6E /r", "mm, r/m64", { feature: "MMX" }],
      ["66 REX.W 0F 6E /r", "xmm, r/m64"],
    ],
    semantics: toVector,
  }),
  vectorInstruction("MOVD", {
    feature: "SSE2",
    forms: [
      ["NP 0F 7E /r", "r/m32, mm", { feature: "MMX" }],
      ["66 0F 7E /r", "r/m32, xmm"],
    ],
    semantics: fromVector,
  }),
  vectorInstruction("MOVQ", {
    feature: "SSE2",
    forms: [
      ["NP REX.W 0F 7E /r", "r/m64, mm", { feature: "MMX" }],
      ["66 REX.W 0F 7E /r", "r/m64, xmm"],
    ],
    semantics: fromVector,
  }),
];
