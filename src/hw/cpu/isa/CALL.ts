/** CALL: call procedure. SDM Vol. 2A, "CALL—Call Procedure". */

import type { AssistFunction } from "../assist.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { callFar } from "../transfer/far.ts";
import { farPointer } from "../transfer/operands.ts";

const far: AssistFunction = (context) => {
  const to = farPointer(context, 0);
  if ("vector" in to) return to;
  return callFar(context, to, context.decoded.operandSize, context.nextRip);
};

const near = instruction("CALL", {
  forms: [
    ["E8 cw", "rel16", { modes: "NE/V" }],
    ["E8 cd", "rel32", { sizes: [32], modes: "NE/V" }],
    ["E8 cd", "rel32", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ["FF /2", "r/m16", { modes: "NE/V" }],
    ["FF /2", "r/m32", { modes: "NE/V" }],
    ["FF /2", "r/m64", { default64: "forced", modes: "V/NE" }],
  ],
  semantics: (u, operand) => {
    const target = u.read(operand);
    u.checkTarget(target);
    u.push(u.truncate(u.nextInstruction(), u.variant.operandSize));
    u.jump(target);
  },
});

const toSegment = instruction("CALL", {
  forms: [
    ["9A cd", "ptr16:16", { sizes: [16], modes: "I/V" }],
    ["9A cp", "ptr16:32", { sizes: [32], modes: "I/V" }],
    ["FF /3", "m16:16", { sizes: [16] }],
    ["FF /3", "m16:32", { sizes: [32] }],
    ["REX.W + FF /3", "m16:64", { modes: "V/NE" }],
  ],
  semantics: (u) => u.assist(far),
});

export const CALL: readonly Instruction[] = [near, toSegment];
