/** WAIT: waits for a pending exception of the x87 unit. SDM Vol. 2D, "WAIT/FWAIT—Wait". */

import { instruction } from "../../instruction.ts";
import { wait } from "../../x87/instruction.ts";

export const WAIT = instruction("WAIT", {
  feature: "FPU",
  forms: [["9B", ""]],
  semantics: (u) => u.assist(wait),
});
