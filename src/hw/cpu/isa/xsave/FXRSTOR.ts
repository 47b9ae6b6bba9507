/** FXRSTOR, FXRSTOR64: loads x87 and SSE state. SDM Vol. 2A, "FXRSTOR—Restore x87 FPU, MMX, XMM, and MXCSR State". */

import { type Instruction, instruction } from "../../instruction.ts";
import { fxrstor } from "../../x87/fxsave.ts";

export const FXRSTOR: readonly Instruction[] = [
  instruction("FXRSTOR", {
    feature: "FXSR",
    forms: [["NP 0F AE /1", "m512byte", { sizes: [32] }]],
    semantics: (u) => u.assist(fxrstor),
  }),
  instruction("FXRSTOR64", {
    feature: "FXSR",
    forms: [["NP REX.W + 0F AE /1", "m512byte", { modes: "V/NE" }]],
    semantics: (u) => u.assist(fxrstor),
  }),
];
