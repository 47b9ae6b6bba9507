/** RET: return from procedure. SDM Vol. 2B, "RET—Return From Procedure". */

import type { AssistFunction } from "../assist.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { returnFar } from "../transfer/return.ts";

const far: AssistFunction = (context) => {
  const { operands, operandSize } = context.decoded;
  const [released] = operands;
  return returnFar(context, operandSize, released?.is === "immediate" ? Number(released.value) : 0);
};

const near = instruction("RET", {
  forms: [
    ["C3", "", { sizes: [16, 32], modes: "NE/V" }],
    ["C3", "", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ["C2 iw", "imm16", { sizes: [16, 32], modes: "NE/V" }],
    ["C2 iw", "imm16", { sizes: [64], default64: "forced", modes: "V/NE" }],
  ],
  semantics: (u, released) => {
    const { operandSize } = u.variant;
    const target = u.top(operandSize);
    u.checkTarget(target);
    u.drop(operandSize / 8);
    if (released !== undefined) u.drop(u.read(released));
    u.jump(target);
  },
});

const fromSegment = instruction("RETF", {
  forms: [
    ["CB", "", { sizes: [16, 32] }],
    ["REX.W + CB", "", { modes: "V/NE" }],
    ["CA iw", "imm16", { sizes: [16, 32] }],
    ["REX.W + CA iw", "imm16", { modes: "V/NE" }],
  ],
  semantics: (u) => u.assist(far),
});

export const RET: readonly Instruction[] = [near, fromSegment];
