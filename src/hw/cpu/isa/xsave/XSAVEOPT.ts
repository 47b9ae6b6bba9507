/** XSAVEOPT, XSAVEOPT64: stores those that are not in their initial configuration. SDM Vol. 2D, "XSAVEOPT—Save Processor Extended States Optimized". */

import type { AssistFunction } from "../../assist.ts";
import { type Instruction, instruction } from "../../instruction.ts";
import { save } from "../../x87/xsave.ts";

const run: AssistFunction = (context) => save(context, "XSAVEOPT");

export const XSAVEOPT: readonly Instruction[] = [
  instruction("XSAVEOPT", {
    feature: "XSAVEOPT",
    forms: [["NP 0F AE /6", "mem", { sizes: [32] }]],
    semantics: (u) => u.assist(run),
  }),
  instruction("XSAVEOPT64", {
    feature: "XSAVEOPT",
    forms: [["NP REX.W + 0F AE /6", "mem", { modes: "V/NE" }]],
    semantics: (u) => u.assist(run),
  }),
];
