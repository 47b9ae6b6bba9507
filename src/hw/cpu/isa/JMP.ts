/** JMP: jump. SDM Vol. 2A, "JMP—Jump". Left out: far jumps. */

import { instruction } from "../instruction.ts";

export const JMP = instruction("JMP", {
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
