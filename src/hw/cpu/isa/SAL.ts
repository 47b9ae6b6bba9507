/** SAL, SAR, SHL, SHR: shift. SDM Vol. 2B, "SAL/SAR/SHL/SHR—Shift"; digit 6 is listed in APM Vol. 3, "SAL SHL". */

import { type Instruction, instruction } from "../instruction.ts";
import type { Semantics } from "../semantics.ts";
import { beforeLast, countOf, shiftRows } from "../shift.ts";
import type { Value } from "../uop.ts";

type Shift = "shl" | "shr" | "sar";

/** OF of a shift by 1; what it has after other counts is undefined. */
const OVERFLOW: Readonly<
  Record<Shift, (u: Semantics, a: Value, result: Value, carry: Value) => Value>
> = {
  shl: (u, _, result, carry) => u.xor(u.msb(result), carry),
  shr: (u, a) => u.msb(a),
  sar: (u) => u.const(1, 0),
};

const shift = (mnemonic: string, digit: number, fn: Shift): Instruction =>
  instruction(mnemonic, {
    forms: shiftRows(digit),
    semantics: (u, dst, by) => {
      const a = u.read(dst);
      const count = countOf(u, by, dst.width);
      const result = u[fn](a, count);
      u.write(dst, result);
      u.finishIf(u.isZero(count));
      const last = u[fn](a, beforeLast(u, count));
      const carry = fn === "shl" ? u.msb(last) : u.bit(last, 0);
      u.setFlags({ CF: carry, OF: OVERFLOW[fn](u, a, result, carry), AF: u.const(1, 0) }, result);
      const one = u.const(dst.width, 1);
      u.leaveUndefined(u.const(1, 1), ["AF"]);
      u.leaveUndefined(u.ltu(one, count), ["OF"]);
      if (fn !== "sar" && dst.width < 32)
        u.leaveUndefined(u.not(u.ltu(count, u.const(dst.width, dst.width))), ["CF"]);
    },
  });

export const SAL: readonly Instruction[] = [
  shift("SAL", 6, "shl"),
  shift("SAR", 7, "sar"),
  shift("SHL", 4, "shl"),
  shift("SHR", 5, "shr"),
];
