/** XSAVEC, XSAVEC64: stores those in the compacted form. SDM Vol. 2D, "XSAVEC—Save Processor Extended States With Compaction". */

import type { AssistFunction } from "../../assist.ts";
import { type Instruction, instruction } from "../../instruction.ts";
import { save } from "../../x87/xsave.ts";

const run: AssistFunction = (context) => save(context, "XSAVEC");

export const XSAVEC: readonly Instruction[] = [
  instruction("XSAVEC", {
    feature: "XSAVEC",
    forms: [["NP 0F C7 /4", "mem", { sizes: [32] }]],
    semantics: (u) => u.assist(run),
  }),
  instruction("XSAVEC64", {
    feature: "XSAVEC",
    forms: [["NP REX.W + 0F C7 /4", "mem", { modes: "V/NE" }]],
    semantics: (u) => u.assist(run),
  }),
];
