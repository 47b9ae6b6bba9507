/** DAS: decimal adjust al after subtraction. SDM Vol. 2A, "DAS—Decimal Adjust AL After Subtraction". */

import { instruction } from "../instruction.ts";

export const DAS = instruction("DAS", {
  forms: [["2F", "", { modes: "I/V" }]],
  undefined: ["OF"],
  semantics: (u) => {
    const al = u.gpr("rAX", 8);
    const isLow = u.or(u.flag("AF"), u.ltu(u.const(8, 9), u.and(al, u.const(8, 15))));
    const isHigh = u.or(u.flag("CF"), u.ltu(u.const(8, 0x99), al));
    const zero = u.const(8, 0);
    const low = u.select(isLow, u.const(8, 6), zero);
    const high = u.select(isHigh, u.const(8, 0x60), zero);
    const result = u.sub(u.sub(al, low), high);
    u.setGpr("rAX", result);
    // The first step borrows when AL is below 6.
    const borrows = u.and(isLow, u.ltu(al, u.const(8, 6)));
    u.setFlags({ CF: u.or(isHigh, borrows), AF: isLow }, result);
  },
});
