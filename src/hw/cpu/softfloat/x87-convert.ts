/**
 * Loads, stores and rounding to integer: FLD, FST, FILD, FIST, FISTTP, FRNDINT. SDM Vol. 2, the
 * entries of those names; SDM Vol. 1, "Data Transfer Instructions". FLD and FSTP of 80 bits copy
 * and raise nothing; FILD is packExact(F80, fromInteger(value)) and raises nothing.
 */

import { type Outcome, outcome, PE, Rounding, x87Memory, x87Register } from "./environment.ts";
import {
  F80,
  type FloatFormat,
  fromInteger,
  fromMagnitude,
  Kind,
  type Operand,
  packExact,
  packInfinity,
  packZero,
} from "./formats.ts";
import { type IntegerWidth, toInteger } from "./integers.ts";
import { denormalFlag, notANumber } from "./nan.ts";
import { cutToInteger, roundToFormat } from "./round.ts";

/**
 * FLD m32fp, FLD m64fp: always exact; a denormal operand and a signaling NaN are reported. Quirk: an
 * unmasked denormal operand is pushed all the same, only an unmasked invalid operation is not.
 */
export function fld<V>(format: FloatFormat<V>, value: V, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const x = format.unpack(value);
  const nan = notANumber(F80, x, x, environment);
  return (
    nan ?? { value: packExact(F80, x), flags: denormalFlag(x), roundedUp: false, stored: true }
  );
}

/** FST and FSTP to m32fp and m64fp. A denormal source is not reported. */
export function fst<V>(format: FloatFormat<V>, value: F80, controlWord: number): Outcome<V> {
  const environment = x87Memory(controlWord);
  const x = F80.unpack(value);
  const nan = notANumber(format, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.infinity) return outcome(packInfinity(format, x.sign), 0, false, environment);
  if (x.kind === Kind.zero) return outcome(packZero(format, x.sign), 0, false, environment);
  return roundToFormat(
    format,
    x.sign,
    x.significand,
    x.exponent - 63,
    format.precision,
    0,
    environment,
  );
}

/** FILD: a signed integer of 16, 32 or 64 bits. */
export function fild(value: bigint): F80 {
  return packExact(F80, fromInteger(value));
}

/** FIST, FISTP. The value is signed; the manual's integer indefinite is the most negative one. */
export function fist(value: F80, width: IntegerWidth, controlWord: number): Outcome<bigint> {
  const environment = x87Memory(controlWord);
  return toInteger(F80.unpack(value), width, environment.rounding, environment);
}

/** FISTTP: truncates whatever the rounding control says. */
export function fisttp(value: F80, width: IntegerWidth, controlWord: number): Outcome<bigint> {
  const environment = x87Memory(controlWord);
  return toInteger(F80.unpack(value), width, Rounding.zero, environment);
}

export function frndint(x: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.infinity || x.kind === Kind.zero || x.exponent >= 63) {
    return outcome(packExact(F80, x), 0, false, environment);
  }
  const flags = denormalFlag(x);
  if ((flags & environment.blocking) !== 0) {
    return outcome(packZero(F80, x.sign), flags, false, environment);
  }
  const { kept, inexact, up } = cutToInteger(x, environment.rounding);
  const value = packExact(F80, fromMagnitude(x.sign, kept));
  return outcome(value, inexact ? flags | PE : flags, up, environment);
}
