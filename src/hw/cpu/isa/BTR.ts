/** BTR: bit test and reset. SDM Vol. 2A, "BTR—Bit Test and Reset". */

import { bitRows, bitTest } from "../bit-string.ts";
import { instruction } from "../instruction.ts";

export const BTR = instruction("BTR", {
  forms: bitRows("B3", 6),
  lock: true,
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: bitTest((u, value, mask) => u.and(value, u.not(mask))),
});
