/** IMUL: signed multiply. SDM Vol. 2A, "IMUL—Signed Multiply". */

import { instruction } from "../instruction.ts";
import { setDouble } from "../multiply.ts";
import type { Semantics } from "../semantics.ts";
import type { Value } from "../uop.ts";

/** CF and OF say that the product is not the sign-extension of its lower half. */
function setCarry(u: Semantics, high: Value, low: Value): void {
  const isLong = u.not(u.eq(high, u.sar(low, u.const(low.width, low.width - 1))));
  u.setFlags({ CF: isLong, OF: isLong });
}

export const IMUL = instruction("IMUL", {
  forms: [
    ["F6 /5", "r/m8"],
    ["F7 /5", "r/m16"],
    ["F7 /5", "r/m32"],
    ["REX.W + F7 /5", "r/m64"],
    ["0F AF /r", "r16, r/m16"],
    ["0F AF /r", "r32, r/m32"],
    ["REX.W + 0F AF /r", "r64, r/m64"],
    ["6B /r ib", "r16, r/m16, imm8"],
    ["6B /r ib", "r32, r/m32, imm8"],
    ["REX.W + 6B /r ib", "r64, r/m64, imm8"],
    ["69 /r iw", "r16, r/m16, imm16"],
    ["69 /r id", "r32, r/m32, imm32"],
    ["REX.W + 69 /r id", "r64, r/m64, imm32"],
  ],
  undefined: ["SF", "ZF", "AF", "PF"],
  semantics: (u, first, second, third) => {
    const { width } = first;
    const a =
      second === undefined ? u.gpr("rAX", width) : u.read(third === undefined ? first : second);
    const b = second === undefined ? u.read(first) : u.readSigned(third ?? second, width);
    const [high, low] = [u.mulHighSigned(a, b), u.mul(a, b)];
    if (second === undefined) setDouble(u, high, low);
    else u.write(first, low);
    setCarry(u, high, low);
  },
});
