/** FXSAVE, FXSAVE64: stores x87 and SSE state. SDM Vol. 2A, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State". */

import { type Instruction, instruction } from "../../instruction.ts";
import { fxsave } from "../../x87/fxsave.ts";

export const FXSAVE: readonly Instruction[] = [
  instruction("FXSAVE", {
    feature: "FXSR",
    forms: [["NP 0F AE /0", "m512byte", { sizes: [32] }]],
    semantics: (u) => u.assist(fxsave),
  }),
  instruction("FXSAVE64", {
    feature: "FXSR",
    forms: [["NP REX.W + 0F AE /0", "m512byte", { modes: "V/NE" }]],
    semantics: (u) => u.assist(fxsave),
  }),
];
