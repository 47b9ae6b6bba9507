/** SALC: set AL to carry. No manual describes it; APM Vol. 3, "One-Byte Opcodes" has it at D6h, outside 64-bit mode. */

import { instruction } from "../instruction.ts";

export const SALC = instruction("SALC", {
  forms: [["D6", "", { modes: "I/V" }]],
  semantics: (u) => u.setGpr("rAX", u.select(u.flag("CF"), u.const(8, 0xff), u.const(8, 0))),
});
