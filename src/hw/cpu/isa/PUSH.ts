/** PUSH: push onto the stack. SDM Vol. 2B, "PUSH—Push Word, Doubleword, or Quadword Onto the Stack". Left out: the segment registers. */

import { instruction } from "../instruction.ts";

export const PUSH = instruction("PUSH", {
  forms: [
    ["FF /6", "r/m16"],
    ["FF /6", "r/m32", { modes: "NE/V" }],
    ["FF /6", "r/m64", { default64: true, modes: "V/NE" }],
    ["50+rw", "r16"],
    ["50+rd", "r32", { modes: "NE/V" }],
    ["50+rd", "r64", { default64: true, modes: "V/NE" }],
    ["6A ib", "imm8", { sizes: [16] }],
    ["6A ib", "imm8", { sizes: [32], modes: "NE/V" }],
    ["6A ib", "imm8", { sizes: [64], default64: true, modes: "V/NE" }],
    ["68 iw", "imm16", { sizes: [16] }],
    ["68 id", "imm32", { sizes: [32], modes: "NE/V" }],
    ["68 id", "imm32", { sizes: [64], default64: true, modes: "V/NE" }],
  ],
  semantics: (u, src) => u.push(u.readSigned(src, u.variant.operandSize)),
});
