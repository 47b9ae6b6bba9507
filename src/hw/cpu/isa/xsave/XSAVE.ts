/** XSAVE, XSAVE64: stores the state components asked for. SDM Vol. 2D, "XSAVE—Save Processor Extended States". */

import type { AssistFunction } from "../../assist.ts";
import { type Instruction, instruction } from "../../instruction.ts";
import { save } from "../../x87/xsave.ts";

const run: AssistFunction = (context) => save(context, "XSAVE");

export const XSAVE: readonly Instruction[] = [
  instruction("XSAVE", {
    feature: "XSAVE",
    forms: [["NP 0F AE /4", "mem", { sizes: [32] }]],
    semantics: (u) => u.assist(run),
  }),
  instruction("XSAVE64", {
    feature: "XSAVE",
    forms: [["NP REX.W + 0F AE /4", "mem", { modes: "V/NE" }]],
    semantics: (u) => u.assist(run),
  }),
];
