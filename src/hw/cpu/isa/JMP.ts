/** JMP: jump. SDM Vol. 2A, "JMP—Jump". */

import type { AssistFunction } from "../assist.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { jumpFar } from "../transfer/far.ts";
import { farPointer } from "../transfer/operands.ts";

const far: AssistFunction = (context) => {
  const to = farPointer(context, 0);
  return "vector" in to ? to : jumpFar(context, to);
};

const near = instruction("JMP", {
  forms: [
    ["EB cb", "rel8", { sizes: [16, 32], modes: "NE/V" }],
    ["EB cb", "rel8", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ["E9 cw", "rel16", { modes: "NE/V" }],
    ["E9 cd", "rel32", { sizes: [32], modes: "NE/V" }],
    ["E9 cd", "rel32", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ["FF /4", "r/m16", { modes: "NE/V" }],
    ["FF /4", "r/m32", { modes: "NE/V" }],
    ["FF /4", "r/m64", { default64: "forced", modes: "V/NE" }],
  ],
  semantics: (u, operand) => {
    const target = u.read(operand);
    u.checkTarget(target);
    u.jump(target);
  },
});

const toSegment = instruction("JMP", {
  forms: [
    ["EA cd", "ptr16:16", { sizes: [16], modes: "I/V" }],
    ["EA cp", "ptr16:32", { sizes: [32], modes: "I/V" }],
    ["FF /5", "m16:16", { sizes: [16] }],
    ["FF /5", "m16:32", { sizes: [32] }],
    ["REX.W + FF /5", "m16:64", { modes: "V/NE" }],
  ],
  semantics: (u) => u.assist(far),
});

export const JMP: readonly Instruction[] = [near, toSegment];
