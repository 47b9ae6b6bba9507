/** DAA: decimal adjust al after addition. SDM Vol. 2A, "DAA—Decimal Adjust AL After Addition". */

import { instruction } from "../instruction.ts";

export const DAA = instruction("DAA", {
  forms: [["27", "", { modes: "I/V" }]],
  undefined: ["OF"],
  semantics: (u) => {
    const al = u.gpr("rAX", 8);
    const isLow = u.or(u.flag("AF"), u.ltu(u.const(8, 9), u.and(al, u.const(8, 15))));
    const isHigh = u.or(u.flag("CF"), u.ltu(u.const(8, 0x99), al));
    const zero = u.const(8, 0);
    const low = u.select(isLow, u.const(8, 6), zero);
    const high = u.select(isHigh, u.const(8, 0x60), zero);
    const result = u.add(u.add(al, low), high);
    u.setGpr("rAX", result);
    u.setFlags({ CF: isHigh, AF: isLow }, result);
  },
});
