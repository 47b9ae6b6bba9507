/** CMC: complement carry flag. SDM Vol. 2A, "CMC—Complement Carry Flag". */

import { instruction } from "../instruction.ts";

export const CMC = instruction("CMC", {
  forms: [["F5", ""]],
  semantics: (u) => u.setFlags({ CF: u.not(u.flag("CF")) }),
});
