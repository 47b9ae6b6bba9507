/** BT: bit test. SDM Vol. 2A, "BT—Bit Test". */

import { bitRows, bitTest } from "../bit-string.ts";
import { instruction } from "../instruction.ts";

export const BT = instruction("BT", {
  forms: bitRows("A3", 4),
  undefined: ["OF", "SF", "AF", "PF"],
  semantics: bitTest(null),
});
