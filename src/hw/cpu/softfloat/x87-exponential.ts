/**
 * F2XM1, FYL2X and FYL2XP1. SDM Vol. 2, the entries of those names (tables "Results Obtained from
 * F2XM1", "FYL2X Results", "FYL2XP1 Results"). Results are correctly rounded by rounding control;
 * precision control has no say.
 *
 * Quirk: a computed result is reported as inexact, and as underflow when tiny, even when it is exact
 * (log2 8, 2**1 - 1).
 *
 * Undefined by the manual, defined here: F2XM1 beyond -1 to 1 gives its source back, as inexact;
 * FYL2XP1 computes the logarithm for every x > -1 and gives x back below.
 */

import { bitLength } from "./bits.ts";
import { around, type Enclose, settle } from "./enclosure.ts";
import { type Environment, type Outcome, outcome, PE, UE, x87Register, ZE } from "./environment.ts";
import {
  F80,
  Kind,
  type Operand,
  packExact,
  packInfinity,
  packZero,
  type Sign,
} from "./formats.ts";
import { denormalFlag, invalid, notANumber } from "./nan.ts";
import { roundToFormat } from "./round.ts";
import { ERROR, exponentialMinusOne, GUARD_BITS, ln2, logarithmOfOnePlus } from "./series.ts";

function reportedInexact(result: Outcome<F80>): Outcome<F80> {
  if (!result.stored) return result;
  const { value, flags, roundedUp, stored } = result;
  const tiny = F80.unpack(value).kind === Kind.denormal ? UE : 0;
  return { value, flags: flags | tiny | PE, roundedUp, stored };
}

/** 2**x - 1. */
export function f2xm1(x: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.infinity) {
    const value = x.sign === 1 ? F80.pack(1, F80.maxExponent, x.significand) : packExact(F80, x);
    return outcome(value, 0, false, environment);
  }
  if (x.kind === Kind.zero) return outcome(packZero(F80, x.sign), 0, false, environment);
  if (x.exponent >= 0) return beyondOne(x, environment);
  const { magnitude, exponent } = settle((bits) => powerOfTwoMinusOne(x, bits));
  return roundToFormat(F80, x.sign, magnitude, exponent, 64, denormalFlag(x), environment);
}

/** 1 gives 1 and -1 gives -1/2. */
function beyondOne(x: Operand, environment: Environment): Outcome<F80> {
  const isMinusOne = x.sign === 1 && x.exponent === 0 && x.significand === 1n << 63n;
  const exponent = x.exponent - (isMinusOne ? 1 : 0);
  const value = F80.pack(x.sign, exponent + F80.maxExponent, x.significand);
  return outcome(value, PE, false, environment);
}

function powerOfTwoMinusOne(x: Operand, bits: number): ReturnType<Enclose> {
  // For |x| < 2**-bits the function is x ln 2 to within one part in 2**bits.
  if (x.exponent < -bits) {
    const linear = x.significand * ln2(bits);
    const error = 2n ** 65n;
    return { low: linear - error, high: linear + error, exponent: x.exponent - 63 - bits };
  }
  const fraction = bits + GUARD_BITS - x.exponent;
  const product = x.significand * ln2(fraction);
  const t = product >> BigInt(63 - x.exponent);
  const result = exponentialMinusOne(x.sign === 1 ? -t : t, fraction);
  return around(result < 0n ? -result : result, ERROR, fraction);
}

/** y * log2(x). */
export function fyl2x(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, y, environment);
  if (nan !== undefined) return nan;
  if (x.kind !== Kind.zero && x.sign === 1) return invalid(F80, environment);
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.zero) {
    if (y.kind === Kind.zero) return invalid(F80, environment);
    const raised = y.kind === Kind.infinity ? flags : ZE;
    return outcome(packInfinity(F80, (1 - y.sign) as Sign), raised, false, environment);
  }
  const special = logarithmTimesSpecial(x, y, logarithmSign(x), flags, environment);
  if (special !== undefined) return special;
  const sign = (logarithmSign(x) < 0 ? 1 - y.sign : y.sign) as Sign;
  if (x.significand === 1n << 63n) {
    return multiple(Math.abs(x.exponent), sign, y, flags, environment);
  }
  const enclose = times(y, (bits) => logarithm(x, bits));
  const { magnitude, exponent } = settle(enclose);
  return roundToFormat(F80, sign, magnitude, exponent, 64, flags, environment);
}

/** n * |y| with a sign. */
function multiple(
  n: number,
  sign: Sign,
  y: Operand,
  flags: number,
  environment: Environment,
): Outcome<F80> {
  const magnitude = BigInt(n) * y.significand;
  const exponent = y.exponent - 63;
  return reportedInexact(roundToFormat(F80, sign, magnitude, exponent, 64, flags, environment));
}

/** Negative, zero or positive as log2 of a positive x is. */
function logarithmSign(x: Operand): number {
  if (x.kind === Kind.infinity || x.exponent > 0) return 1;
  if (x.exponent < 0) return -1;
  return x.significand === 1n << 63n ? 0 : 1;
}

/** y * logarithm where the logarithm is 0 or infinite, or y is. */
function logarithmTimesSpecial(
  x: Operand,
  y: Operand,
  direction: number,
  flags: number,
  environment: Environment,
): Outcome<F80> | undefined {
  const sign = (direction < 0 ? 1 - y.sign : y.sign) as Sign;
  if (x.kind === Kind.infinity || y.kind === Kind.infinity) {
    if (y.kind === Kind.zero || direction === 0) return invalid(F80, environment);
    return outcome(packInfinity(F80, sign), flags, false, environment);
  }
  if (y.kind === Kind.zero || direction === 0) {
    return outcome(packZero(F80, sign), flags, false, environment);
  }
  return undefined;
}

/** The enclosure of a value, multiplied by the significand of y. */
function times(y: Operand, enclose: Enclose): Enclose {
  return (bits) => {
    const { low, high, exponent } = enclose(bits);
    return {
      low: low * y.significand,
      high: high * y.significand,
      exponent: exponent + y.exponent - 63,
    };
  };
}

/** |log2 x| for a positive x that is no power of two. */
function logarithm(x: Operand, bits: number): ReturnType<Enclose> {
  // x = 2**e * m, m from 3/4 to 3/2, so that a logarithm near 0 is not the difference of two large.
  const isHigh = x.significand >= 3n << 62n;
  const e = x.exponent + (isHigh ? 1 : 0);
  const denominator = 1n << (isHigh ? 64n : 63n);
  const numerator = x.significand - denominator;
  const distance = numerator < 0n ? -numerator : numerator;
  const lost = e === 0 ? 65 - bitLength(distance) : 0;
  const fraction = bits + GUARD_BITS + lost;
  const natural = logarithmOfOnePlus(numerator, denominator, fraction);
  const result = (BigInt(e) << BigInt(fraction)) + toBaseTwo(natural, fraction);
  return around(result < 0n ? -result : result, 4n * ERROR, fraction);
}

function toBaseTwo(natural: bigint, fraction: number): bigint {
  return (natural << BigInt(fraction)) / ln2(fraction);
}

/** y * log2(x + 1). */
export function fyl2xp1(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, y, environment);
  if (nan !== undefined) return nan;
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.infinity && x.sign === 1) return invalid(F80, environment);
  const xSign = x.sign === 1 ? -1 : 1;
  if (x.kind === Kind.zero) {
    if (y.kind === Kind.infinity) return invalid(F80, environment);
    return outcome(packZero(F80, (x.sign ^ y.sign) as Sign), flags, false, environment);
  }
  const special = logarithmTimesSpecial(x, y, xSign, flags, environment);
  if (special !== undefined) return special;
  if (x.sign === 1 && x.exponent >= 0) {
    const blocked = (flags & environment.blocking) !== 0;
    return outcome(packExact(F80, x), blocked ? flags : flags | PE, false, environment);
  }
  const sign = (x.sign ^ y.sign) as Sign;
  const power = exactPowerOfTwo(x);
  if (power !== undefined) {
    return multiple(Math.abs(power), sign, y, flags, environment);
  }
  const { magnitude, exponent } = settle(times(y, (bits) => logarithmOfNext(x, bits)));
  return roundToFormat(F80, sign, magnitude, exponent, 64, flags, environment);
}

/** x > -1, x not 0, as numerator / denominator. */
function asRatio(x: Operand): { numerator: bigint; denominator: bigint } {
  const signed = x.sign === 1 ? -x.significand : x.significand;
  const exponent = x.exponent - 63;
  if (exponent >= 0) return { numerator: signed << BigInt(exponent), denominator: 1n };
  return { numerator: signed, denominator: 1n << BigInt(-exponent) };
}

/** n when x + 1 = 2**n, which can hold only where x has few bits. */
function exactPowerOfTwo(x: Operand): number | undefined {
  if (x.exponent < -64 || x.exponent > 64) return undefined;
  const { numerator, denominator } = asRatio(x);
  const sum = numerator + denominator;
  if ((sum & (sum - 1n)) !== 0n) return undefined;
  return bitLength(sum) - bitLength(denominator);
}

/** |log2(x + 1)| where x + 1 is no power of two. */
function logarithmOfNext(x: Operand, bits: number): ReturnType<Enclose> {
  // For |x| < 2**-bits the function is x / ln 2 to within one part in 2**bits.
  if (x.exponent < -bits) {
    const linear = (x.significand << BigInt(2 * bits)) / ln2(bits);
    const error = 2n ** 67n;
    return { low: linear - error, high: linear + error, exponent: x.exponent - 63 - bits };
  }
  // For x > 2**(2 * bits) it is log2 x, from above.
  if (x.exponent > 2 * bits) {
    if (x.significand !== 1n << 63n) return logarithm(x, bits);
    const power = BigInt(x.exponent) << BigInt(bits);
    return { low: power, high: power + 1n, exponent: -bits };
  }
  // x + 1 = 2**e * m, m from 3/4 to 3/2.
  const { numerator, denominator } = asRatio(x);
  const sum = numerator + denominator;
  let e = bitLength(sum) - bitLength(denominator);
  let scaled = e >= 0 ? denominator << BigInt(e) : denominator;
  let top = e >= 0 ? sum : sum << BigInt(-e);
  if (2n * top >= 3n * scaled) {
    e += 1;
    scaled <<= 1n;
  } else if (4n * top < 3n * scaled) {
    e -= 1;
    top <<= 1n;
  }
  const lost = x.exponent < 0 ? -x.exponent : 0;
  const fraction = bits + GUARD_BITS + lost;
  const natural = logarithmOfOnePlus(top - scaled, scaled, fraction);
  const result = (BigInt(e) << BigInt(fraction)) + toBaseTwo(natural, fraction);
  return around(result < 0n ? -result : result, 4n * ERROR, fraction);
}
