/** DIV: unsigned divide. SDM Vol. 2A, "DIV—Unsigned Divide". */

import { instruction } from "../instruction.ts";
import { readDouble, setDouble } from "../multiply.ts";

export const DIV = instruction("DIV", {
  forms: [
    ["F6 /6", "r/m8"],
    ["F7 /6", "r/m16"],
    ["F7 /6", "r/m32"],
    ["REX.W + F7 /6", "r/m64"],
  ],
  undefined: ["CF", "OF", "SF", "ZF", "AF", "PF"],
  semantics: (u, src) => {
    const divisor = u.read(src);
    const { high, low } = readDouble(u, src.width);
    // Also when the divisor is 0.
    u.faultIf(u.not(u.ltu(high, divisor)), "#DE");
    const quotient = u.divide("quotient", high, low, divisor);
    setDouble(u, u.divide("remainder", high, low, divisor), quotient);
  },
});
