/** IDIV: signed divide. SDM Vol. 2A, "IDIV—Signed Divide". */

import { instruction } from "../instruction.ts";
import { readDouble, setDouble } from "../multiply.ts";
import type { Semantics } from "../semantics.ts";
import type { Value } from "../uop.ts";

/** The value with its sign changed when `negative`. */
const signed = (u: Semantics, negative: Value, magnitude: Value): Value =>
  u.select(negative, u.neg(magnitude), magnitude);

export const IDIV = instruction("IDIV", {
  forms: [
    ["F6 /7", "r/m8"],
    ["F7 /7", "r/m16"],
    ["F7 /7", "r/m32"],
    ["REX.W + F7 /7", "r/m64"],
  ],
  undefined: ["CF", "OF", "SF", "ZF", "AF", "PF"],
  semantics: (u, src) => {
    const { width } = src;
    const divisor = u.read(src);
    const dividend = readDouble(u, width);
    const [negative, negativeDivisor] = [u.msb(dividend.high), u.msb(divisor)];
    const negativeQuotient = u.xor(negative, negativeDivisor);
    const magnitude = signed(u, negativeDivisor, divisor);
    // The dividend's magnitude: the lower half carries into the upper when it is 0.
    const low = signed(u, negative, dividend.low);
    const inverted = u.add(u.not(dividend.high), u.zeroExtend(u.isZero(dividend.low), width));
    const high = u.select(negative, inverted, dividend.high);
    u.faultIf(u.not(u.ltu(high, magnitude)), "#DE");
    const quotient = u.divide("quotient", high, low, magnitude);
    const edge = u.const(width, 1n << BigInt(width - 1));
    const most = u.select(negativeQuotient, edge, u.not(edge));
    u.faultIf(u.ltu(most, quotient), "#DE");
    const remainder = signed(u, negative, u.divide("remainder", high, low, magnitude));
    setDouble(u, remainder, signed(u, negativeQuotient, quotient));
  },
});
