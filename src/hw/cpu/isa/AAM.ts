/** AAM: ascii adjust ax after multiply. SDM Vol. 2A, "AAM—ASCII Adjust AX After Multiply". */

import { instruction } from "../instruction.ts";
import { setDouble } from "../multiply.ts";

export const AAM = instruction("AAM", {
  forms: [["D4 ib", "imm8", { modes: "I/V" }]],
  undefined: ["OF", "AF", "CF"],
  semantics: (u, base) => {
    const divisor = u.read(base);
    const zero = u.const(8, 0);
    u.faultIf(u.isZero(divisor), "#DE");
    const low = u.gpr("rAX", 8);
    const digit = u.divide("remainder", zero, low, divisor);
    setDouble(u, u.divide("quotient", zero, low, divisor), digit);
    u.setFlags({}, digit);
  },
});
