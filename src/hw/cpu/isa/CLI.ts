/** CLI: clear the interrupt flag. SDM Vol. 2A, "CLI—Clear Interrupt Flag". */

import { GP0 } from "../fault.ts";
import { instruction } from "../instruction.ts";
import { mayChangeInterruptFlag } from "../mode.ts";
import { RFLAGS } from "../state.ts";

export const CLI = instruction("CLI", {
  forms: [["FA", ""]],
  semantics: (u) =>
    u.assist(({ state }) => {
      if (!mayChangeInterruptFlag(state)) return GP0;
      state.rflags &= ~RFLAGS.IF;
      return null;
    }),
});
