/** HLT: halt until an interrupt. SDM Vol. 2A, "HLT—Halt". */

import { GP0 } from "../fault.ts";
import { instruction } from "../instruction.ts";
import { BIT, ACTIVITY } from "../state.ts";

export const HLT = instruction("HLT", {
  forms: [["F4", ""]],
  semantics: (u) =>
    u.assist((context) => {
      const { state } = context;
      if (state.has("CR0", BIT.CR0.PE) && state.cpl !== 0) return GP0;
      const intercepted = context.intercepted("HLT");
      if (intercepted !== null) return intercepted;
      state.activity = ACTIVITY.hlt;
      return null;
    }),
});
