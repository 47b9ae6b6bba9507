/** RET: return from procedure. SDM Vol. 2B, "RET—Return From Procedure". Left out: far returns. */

import { instruction } from "../instruction.ts";

export const RET = instruction("RET", {
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
