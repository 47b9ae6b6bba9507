/** PAUSE: spin loop hint. SDM Vol. 2B, "PAUSE—Spin Loop Hint". */

import { instruction } from "../instruction.ts";

export const PAUSE = instruction("PAUSE", {
  forms: [["F3 90", ""]],
  // Nothing but a hypervisor sees it.
  semantics: (u) => u.assist((context) => context.intercepted("PAUSE")),
});
