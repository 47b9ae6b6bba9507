/** AAA: ascii adjust after addition. SDM Vol. 2A, "AAA—ASCII Adjust After Addition". */

import { instruction } from "../instruction.ts";

export const AAA = instruction("AAA", {
  forms: [["37", "", { modes: "I/V" }]],
  undefined: ["OF", "SF", "ZF", "PF"],
  semantics: (u) => {
    const ax = u.gpr("rAX", 16);
    const digit = u.and(ax, u.const(16, 15));
    const isOver = u.or(u.flag("AF"), u.ltu(u.const(16, 9), digit));
    const adjusted = u.select(isOver, u.add(ax, u.const(16, 0x106)), ax);
    u.setGpr("rAX", u.and(adjusted, u.const(16, 0xff0f)));
    u.setFlags({ AF: isOver, CF: isOver });
  },
});
