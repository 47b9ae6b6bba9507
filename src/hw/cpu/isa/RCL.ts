/** RCL, RCR, ROL, ROR: rotate. SDM Vol. 2B, "RCL/RCR/ROL/ROR—Rotate". */

import { type Instruction, instruction, type InstructionText } from "../instruction.ts";
import type { Semantics } from "../semantics.ts";
import { countOf, shiftRows } from "../shift.ts";
import type { Value } from "../uop.ts";

/** A value and the bit that goes around with it. */
interface Ring {
  readonly value: Value;
  readonly carry: Value;
}

/** `count` modulo a number that is no power of two; counts are below 32. */
function modulo(u: Semantics, count: Value, by: number): Value {
  let rest = count;
  const limit = u.const(count.width, by);
  for (let i = by; i < 32; i += by) rest = u.select(u.ltu(rest, limit), rest, u.sub(rest, limit));
  return rest;
}

/** RCL, or RCR as RCL by what is missing to a whole turn; below 64 bits in a wider value. */
function rotateNarrow(u: Semantics, { value, carry }: Ring, count: Value, left: boolean): Ring {
  const { width } = value;
  const size = u.const(64, width + 1);
  const turns = modulo(u, u.zeroExtend(count, 64), width + 1);
  const by = left ? turns : u.sub(size, turns);
  const ring = u.or(u.zeroExtend(value, 64), u.shl(u.zeroExtend(carry, 64), u.const(64, width)));
  const turned = u.or(u.shl(ring, by), u.shr(ring, u.sub(size, by)));
  return { value: u.truncate(turned, width), carry: u.bit(turned, width) };
}

/** With 64 bits the ring has 65: the carry comes in beside what was shifted. */
function rotateWide(u: Semantics, { value, carry }: Ring, count: Value, left: boolean): Ring {
  const bits = (n: Value): Value => u.and(n, u.const(64, 63));
  const one = u.const(64, 1);
  const less = bits(u.sub(count, one));
  const rest = bits(u.neg(count));
  const [there, back] = left ? (["shl", "shr"] as const) : (["shr", "shl"] as const);
  const moved = u[there](value, count);
  const around = u[back](u[back](value, one), rest);
  const entering = left
    ? u.shl(u.zeroExtend(carry, 64), less)
    : u.shl(u.zeroExtend(carry, 64), rest);
  const out = left ? u.msb(u.shl(value, less)) : u.bit(u.shr(value, less), 0);
  const isNone = u.isZero(count);
  return {
    value: u.select(isNone, value, u.or(u.or(moved, around), entering)),
    carry: u.select(isNone, carry, out),
  };
}

/** OF after a rotate by 1; after other counts it is undefined. */
function overflow(u: Semantics, result: Value, carry: Value, left: boolean): Value {
  const top = u.msb(result);
  return u.xor(top, left ? carry : u.bit(result, result.width - 2));
}

function rotateThroughCarry(left: boolean): InstructionText["semantics"] {
  return (u, dst, by) => {
    const ring = { value: u.read(dst), carry: u.flag("CF") };
    const count = countOf(u, by, dst.width);
    const turn = dst.width === 64 ? rotateWide : rotateNarrow;
    const { value, carry } = turn(u, ring, count, left);
    u.write(dst, value);
    u.finishIf(u.isZero(count));
    u.setFlags({ CF: carry, OF: overflow(u, value, carry, left) });
    u.leaveUndefined(u.ltu(u.const(dst.width, 1), count), ["OF"]);
  };
}

function rotate(left: boolean): InstructionText["semantics"] {
  return (u, dst, by) => {
    const { width } = dst;
    const a = u.read(dst);
    const count = countOf(u, by, width);
    const mask = u.const(width, width - 1);
    const turns = u.and(count, mask);
    const rest = u.and(u.neg(count), mask);
    const result = left
      ? u.or(u.shl(a, turns), u.shr(a, rest))
      : u.or(u.shr(a, turns), u.shl(a, rest));
    u.write(dst, result);
    u.finishIf(u.isZero(count));
    const carry = left ? u.bit(result, 0) : u.msb(result);
    u.setFlags({ CF: carry, OF: overflow(u, result, carry, left) });
    u.leaveUndefined(u.ltu(u.const(width, 1), count), ["OF"]);
  };
}

export const RCL: readonly Instruction[] = [
  instruction("RCL", { forms: shiftRows(2), semantics: rotateThroughCarry(true) }),
  instruction("RCR", { forms: shiftRows(3), semantics: rotateThroughCarry(false) }),
  instruction("ROL", { forms: shiftRows(0), semantics: rotate(true) }),
  instruction("ROR", { forms: shiftRows(1), semantics: rotate(false) }),
];
