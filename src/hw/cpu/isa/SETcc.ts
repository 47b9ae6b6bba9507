/** SETcc: set byte on condition. SDM Vol. 2B, "SETcc—Set Byte on Condition". */

import { CONDITIONS, condition } from "../conditions.ts";
import { type Instruction, instruction } from "../instruction.ts";

export const SETcc: readonly Instruction[] = CONDITIONS.map((name, code) =>
  instruction(`SET${name}`, {
    forms: [[`0F ${(0x90 + code).toString(16).toUpperCase()} /r`, "r/m8"]],
    semantics: (u, dst) => u.write(dst, u.zeroExtend(condition(u, name), 8)),
  }),
);
