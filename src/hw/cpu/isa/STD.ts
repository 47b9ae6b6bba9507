/** STD: set direction flag. SDM Vol. 2B, "STD—Set Direction Flag". */

import { instruction } from "../instruction.ts";

export const STD = instruction("STD", {
  forms: [["FD", ""]],
  semantics: (u) => u.setFlags({ DF: u.const(1, 1) }),
});
