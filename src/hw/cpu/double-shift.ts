/** SHLD and SHRD: a shift that takes in the bits of a register (SDM Vol. 2B, "SHLD—Double Precision Shift Left"). */

import type { Operand, Semantics } from "./semantics.ts";
import { beforeLast, countOf } from "./shift.ts";
import type { Value } from "./uop.ts";

const BACK = { shl: "shr", shr: "shl" } as const;

export function doubleShift(
  u: Semantics,
  dst: Operand,
  src: Operand,
  by: Operand,
  fn: "shl" | "shr",
): void {
  const { width } = dst;
  const [a, b] = [u.read(dst), u.read(src)];
  const count = countOf(u, by, width);
  const result = width === 16 ? shifted16(u, a, b, count, fn) : shifted(u, a, b, count, fn);
  u.write(dst, result);
  u.finishIf(u.isZero(count));
  const last =
    width === 16 ? shifted16(u, a, b, beforeLast(u, count), fn) : u[fn](a, beforeLast(u, count));
  const carry = fn === "shl" ? u.msb(last) : u.bit(last, 0);
  const isNegative = fn === "shl" ? u.xor(u.msb(result), carry) : u.xor(u.msb(result), u.msb(a));
  u.setFlags({ CF: carry, OF: isNegative, AF: u.const(1, 0) }, result);
  u.leaveUndefined(u.const(1, 1), ["AF"]);
  u.leaveUndefined(u.ltu(u.const(width, 1), count), ["OF"]);
  if (width === 16)
    u.leaveUndefined(u.ltu(u.const(16, 16), count), ["CF", "OF", "SF", "ZF", "AF", "PF"]);
}

/** The bits of b that come in are shifted the other way, by one and by the rest, as a count of 64 is none. */
function shifted(u: Semantics, a: Value, b: Value, count: Value, fn: "shl" | "shr"): Value {
  const { width } = a;
  const back = BACK[fn];
  const rest = u.and(u.not(count), u.const(width, width - 1));
  return u.or(u[fn](a, count), u[back](u[back](b, u.const(width, 1)), rest));
}

/** Counts above 16 leave the result undefined; b comes in a second time then, as in AMD's processors. */
function shifted16(u: Semantics, a: Value, b: Value, count: Value, fn: "shl" | "shr"): Value {
  const at = (value: Value, place: number): Value =>
    u.shl(u.zeroExtend(value, 64), u.const(64, place));
  const [top, bottom] = fn === "shl" ? [a, b] : [b, a];
  const all = u.or(u.or(at(top, 32), at(b, 16)), at(bottom, 0));
  const moved = u[fn](all, u.zeroExtend(count, 64));
  return u.truncate(fn === "shl" ? u.shr(moved, u.const(64, 32)) : moved, 16);
}
