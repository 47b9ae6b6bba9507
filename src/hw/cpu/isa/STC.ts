/** STC: set carry flag. SDM Vol. 2B, "STC—Set Carry Flag". */

import { instruction } from "../instruction.ts";

export const STC = instruction("STC", {
  forms: [["F9", ""]],
  semantics: (u) => u.setFlags({ CF: u.const(1, 1) }),
});
