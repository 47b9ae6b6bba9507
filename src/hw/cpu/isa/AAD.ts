/** AAD: ascii adjust ax before division. SDM Vol. 2A, "AAD—ASCII Adjust AX Before Division". */

import { instruction } from "../instruction.ts";
import { readDouble, setDouble } from "../multiply.ts";

export const AAD = instruction("AAD", {
  forms: [["D5 ib", "imm8", { modes: "I/V" }]],
  undefined: ["OF", "AF", "CF"],
  semantics: (u, base) => {
    const { high, low } = readDouble(u, 8);
    const sum = u.add(low, u.mul(high, u.read(base)));
    setDouble(u, u.const(8, 0), sum);
    u.setFlags({}, sum);
  },
});
