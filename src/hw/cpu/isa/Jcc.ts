/** Jcc: jump if a condition is met. SDM Vol. 2A, "Jcc—Jump if Condition Is Met". */

import { CONDITIONS, condition } from "../conditions.ts";
import { type Instruction, instruction } from "../instruction.ts";

/** The opcode of a condition in a table that begins at `first`. */
const opcode = (first: number, code: number): string => (first + code).toString(16).toUpperCase();

export const Jcc: readonly Instruction[] = CONDITIONS.map((name, code) =>
  instruction(`J${name}`, {
    forms: [
      [`${opcode(0x70, code)} cb`, "rel8", { sizes: [16, 32], modes: "NE/V" }],
      [`${opcode(0x70, code)} cb`, "rel8", { sizes: [64], default64: "forced", modes: "V/NE" }],
      [`0F ${opcode(0x80, code)} cw`, "rel16", { modes: "NE/V" }],
      [`0F ${opcode(0x80, code)} cd`, "rel32", { sizes: [32], modes: "NE/V" }],
      [`0F ${opcode(0x80, code)} cd`, "rel32", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ],
    semantics: (u, target) => u.jumpIf(condition(u, name), u.read(target)),
  }),
);
