/** CLC: clear carry flag. SDM Vol. 2A, "CLC—Clear Carry Flag". */

import { instruction } from "../instruction.ts";

export const CLC = instruction("CLC", {
  forms: [["F8", ""]],
  semantics: (u) => u.setFlags({ CF: u.const(1, 0) }),
});
