/** BTS: bit test and set. SDM Vol. 2A, "BTS—Bit Test and Set". */

import { bitRows, bitTest } from "../bit-string.ts";
import { instruction } from "../instruction.ts";

export const BTS = instruction("BTS", {
  forms: bitRows("AB", 5),
  lock: true,
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: bitTest((u, value, mask) => u.or(value, mask)),
});
