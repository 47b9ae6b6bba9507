/**
 * Addition, subtraction, multiplication, division and square root in every format: exact integer
 * arithmetic on 64-bit significands, then one rounding. SDM Vol. 1, "Invalid Operation Exception
 * (#I)", "Divide-By-Zero Exception (#Z)", "Floating-Point Exception Priority"; IEEE 754-2008,
 * "Formats and operations", "The sign bit".
 */

import { integerSquareRoot } from "./bits.ts";
import { type Environment, type Outcome, outcome, Rounding, ZE } from "./environment.ts";
import {
  type FloatFormat,
  Kind,
  type Operand,
  packExact,
  packInfinity,
  packZero,
  type Sign,
} from "./formats.ts";
import { denormalFlag, invalid, notANumber } from "./nan.ts";
import { roundToFormat } from "./round.ts";

/** Bits kept: precision control, when it is less than the format has. */
function precisionOf(format: { readonly precision: number }, environment: Environment): number {
  return Math.min(format.precision, environment.precision);
}

export function add<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  environment: Environment,
): Outcome<V> {
  return notANumber(format, x, y, environment) ?? sum(format, x, y, y.sign, environment);
}

export function subtract<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  environment: Environment,
): Outcome<V> {
  const negated = (1 - y.sign) as Sign;
  return notANumber(format, x, y, environment) ?? sum(format, x, y, negated, environment);
}

/** x + y, where y carries the sign `ySign`. */
function sum<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  ySign: Sign,
  environment: Environment,
): Outcome<V> {
  if (x.kind === Kind.infinity && y.kind === Kind.infinity && x.sign !== ySign) {
    return invalid(format, environment);
  }
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.infinity)
    return outcome(packInfinity(format, x.sign), flags, false, environment);
  if (y.kind === Kind.infinity)
    return outcome(packInfinity(format, ySign), flags, false, environment);
  const precision = precisionOf(format, environment);
  if (x.kind === Kind.zero && y.kind === Kind.zero) {
    const sign = x.sign === ySign ? x.sign : signOfExactZero(environment);
    return outcome(packZero(format, sign), 0, false, environment);
  }
  if (y.kind === Kind.zero) {
    const { sign, significand, exponent } = x;
    return roundToFormat(format, sign, significand, exponent - 63, precision, flags, environment);
  }
  if (x.kind === Kind.zero) {
    const { significand, exponent } = y;
    return roundToFormat(format, ySign, significand, exponent - 63, precision, flags, environment);
  }
  const { sign, magnitude, exponent } = signedSum(x, y, ySign);
  if (magnitude === 0n) {
    return outcome(packZero(format, signOfExactZero(environment)), flags, false, environment);
  }
  return roundToFormat(format, sign, magnitude, exponent, precision, flags, environment);
}

/** x - x is +0, except that rounding down makes it -0. */
function signOfExactZero(environment: Environment): Sign {
  return environment.rounding === Rounding.down ? 1 : 0;
}

/**
 * Beyond this distance the smaller operand lies below every bit that rounding looks at, and one
 * sticky bit stands for it.
 */
const FARTHEST = 67;

function signedSum(
  x: Operand,
  y: Operand,
  ySign: Sign,
): { sign: Sign; magnitude: bigint; exponent: number } {
  const xIsHigher = x.exponent >= y.exponent;
  const high = xIsHigher ? x : y;
  const low = xIsHigher ? y : x;
  const highSign = xIsHigher ? x.sign : ySign;
  const distance = high.exponent - low.exponent;
  const shift = distance > FARTHEST ? FARTHEST : distance;
  const highMagnitude = high.significand << BigInt(shift);
  const lowMagnitude = distance > FARTHEST ? 1n : low.significand;
  const exponent = high.exponent - 63 - shift;
  if (x.sign === ySign)
    return { sign: highSign, magnitude: highMagnitude + lowMagnitude, exponent };
  const difference = highMagnitude - lowMagnitude;
  if (difference >= 0n) return { sign: highSign, magnitude: difference, exponent };
  return { sign: (1 - highSign) as Sign, magnitude: -difference, exponent };
}

export function multiply<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  environment: Environment,
): Outcome<V> {
  const nan = notANumber(format, x, y, environment);
  if (nan !== undefined) return nan;
  const sign = (x.sign ^ y.sign) as Sign;
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.infinity || y.kind === Kind.infinity) {
    if (x.kind === Kind.zero || y.kind === Kind.zero) return invalid(format, environment);
    return outcome(packInfinity(format, sign), flags, false, environment);
  }
  if (x.kind === Kind.zero || y.kind === Kind.zero) {
    return outcome(packZero(format, sign), flags, false, environment);
  }
  const product = x.significand * y.significand;
  const exponent = x.exponent + y.exponent - 126;
  return roundToFormat(
    format,
    sign,
    product,
    exponent,
    precisionOf(format, environment),
    flags,
    environment,
  );
}

export function divide<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  environment: Environment,
): Outcome<V> {
  const nan = notANumber(format, x, y, environment);
  if (nan !== undefined) return nan;
  const sign = (x.sign ^ y.sign) as Sign;
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.infinity) {
    if (y.kind === Kind.infinity) return invalid(format, environment);
    return outcome(packInfinity(format, sign), flags, false, environment);
  }
  if (y.kind === Kind.infinity) return outcome(packZero(format, sign), flags, false, environment);
  if (y.kind === Kind.zero) {
    if (x.kind === Kind.zero) return invalid(format, environment);
    return outcome(packInfinity(format, sign), ZE, false, environment);
  }
  if (x.kind === Kind.zero) return outcome(packZero(format, sign), flags, false, environment);
  const dividend = x.significand << 66n;
  const quotient = dividend / y.significand;
  const sticky = quotient * y.significand === dividend ? 0n : 1n;
  const magnitude = (quotient << 1n) | sticky;
  const exponent = x.exponent - y.exponent - 67;
  return roundToFormat(
    format,
    sign,
    magnitude,
    exponent,
    precisionOf(format, environment),
    flags,
    environment,
  );
}

export function squareRoot<V>(
  format: FloatFormat<V>,
  x: Operand,
  environment: Environment,
): Outcome<V> {
  const nan = notANumber(format, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.zero) return outcome(packZero(format, x.sign), 0, false, environment);
  if (x.sign === 1) return invalid(format, environment);
  if (x.kind === Kind.infinity) return outcome(packExact(format, x), 0, false, environment);
  // An even exponent below a significand of 135 or 136 bits: the root then has 68.
  const exponent = x.exponent - 63;
  const shift = (exponent & 1) === 0 ? 72 : 71;
  const radicand = x.significand << BigInt(shift);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  const magnitude = (root << 1n) | sticky;
  const precision = precisionOf(format, environment);
  return roundToFormat(
    format,
    0,
    magnitude,
    (exponent - shift) / 2 - 1,
    precision,
    denormalFlag(x),
    environment,
  );
}
