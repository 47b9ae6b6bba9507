/** CMOVcc: conditional move. SDM Vol. 2A, "CMOVcc—Conditional Move". A source in memory is read in any case, and 32 bits clear the upper half in any case. */

import { CONDITIONS, condition } from "../conditions.ts";
import { type Instruction, instruction } from "../instruction.ts";

export const CMOVcc: readonly Instruction[] = CONDITIONS.map((name, code) => {
  const opcode = `0F ${(0x40 + code).toString(16).toUpperCase()} /r`;
  return instruction(`CMOV${name}`, {
    feature: "CMOV",
    forms: [
      [opcode, "r16, r/m16"],
      [opcode, "r32, r/m32"],
      [`REX.W + ${opcode}`, "r64, r/m64"],
    ],
    semantics: (u, dst, src) =>
      u.write(dst, u.select(condition(u, name), u.read(src), u.read(dst))),
  });
});
