/** CLD: clear direction flag. SDM Vol. 2A, "CLD—Clear Direction Flag". */

import { instruction } from "../instruction.ts";

export const CLD = instruction("CLD", {
  forms: [["FC", ""]],
  semantics: (u) => u.setFlags({ DF: u.const(1, 0) }),
});
