/** STI: set the interrupt flag. SDM Vol. 2B, "STI—Set Interrupt Flag". */

import { GP0 } from "../fault.ts";
import { instruction } from "../instruction.ts";
import { mayChangeInterruptFlag } from "../mode.ts";
import { BIT, BLOCKING, RFLAGS } from "../state.ts";

/** Interrupts wait for one more instruction if they were disabled before. */
export const STI = instruction("STI", {
  forms: [["FB", ""]],
  semantics: (u) =>
    u.assist(({ state }) => {
      if (!mayChangeInterruptFlag(state)) return GP0;
      if (state.hasFlag(BIT.RFLAGS.IF)) return null;
      state.blocking |= BLOCKING.sti;
      state.rflags |= RFLAGS.IF;
      return null;
    }),
});
