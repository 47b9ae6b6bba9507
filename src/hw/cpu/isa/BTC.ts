/** BTC: bit test and complement. SDM Vol. 2A, "BTC—Bit Test and Complement". */

import { bitRows, bitTest } from "../bit-string.ts";
import { instruction } from "../instruction.ts";

export const BTC = instruction("BTC", {
  forms: bitRows("BB", 7),
  lock: true,
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: bitTest((u, value, mask) => u.xor(value, mask)),
});
