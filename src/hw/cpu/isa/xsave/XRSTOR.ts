/** XRSTOR, XRSTOR64: loads or initializes the state components asked for. SDM Vol. 2D, "XRSTOR—Restore Processor Extended States". */

import { type Instruction, instruction } from "../../instruction.ts";
import { restore } from "../../x87/xsave.ts";

export const XRSTOR: readonly Instruction[] = [
  instruction("XRSTOR", {
    feature: "XSAVE",
    forms: [["NP 0F AE /5", "mem", { sizes: [32] }]],
    semantics: (u) => u.assist(restore),
  }),
  instruction("XRSTOR64", {
    feature: "XSAVE",
    forms: [["NP REX.W + 0F AE /5", "mem", { modes: "V/NE" }]],
    semantics: (u) => u.assist(restore),
  }),
];
