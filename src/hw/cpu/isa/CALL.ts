/** CALL: call procedure. SDM Vol. 2A, "CALL—Call Procedure". Left out: far calls. */

import { instruction } from "../instruction.ts";

export const CALL = instruction("CALL", {
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
