/** MUL: unsigned multiply. SDM Vol. 2B, "MUL—Unsigned Multiply". */

import { instruction } from "../instruction.ts";
import { setDouble } from "../multiply.ts";

export const MUL = instruction("MUL", {
  forms: [
    ["F6 /4", "r/m8"],
    ["F7 /4", "r/m16"],
    ["F7 /4", "r/m32"],
    ["REX.W + F7 /4", "r/m64"],
  ],
  undefined: ["SF", "ZF", "AF", "PF"],
  semantics: (u, src) => {
    const [a, b] = [u.gpr("rAX", src.width), u.read(src)];
    const high = u.mulHighUnsigned(a, b);
    setDouble(u, high, u.mul(a, b));
    const isLong = u.isNotZero(high);
    u.setFlags({ CF: isLong, OF: isLong });
  },
});
