/**
 * Rounding an exact value to a format, with overflow, underflow and precision exceptions.
 * SDM Vol. 1, "Rounding", "Numeric Overflow Exception (#O)", "Numeric Underflow Exception (#U)",
 * "Inexact-Result (Precision) Exception (#P)"; IEEE 754-2008, "Rounding-direction attributes" and
 * "Default exception handling". Tininess is detected after rounding, as on every x86.
 */

import { bitLength, powerOfTwo } from "./bits.ts";
import { type Environment, OE, type Outcome, outcome, PE, Rounding, UE } from "./environment.ts";
import {
  type FloatFormat,
  INTEGER_BIT,
  Kind,
  type Operand,
  packInfinity,
  packZero,
  type Sign,
} from "./formats.ts";

/** Unmasked overflow and underflow of an x87 register result move the exponent by this: 3 * 2**13. */
const EXPONENT_ADJUSTMENT = 24576;

/** A magnitude cut to fewer bits. */
export interface Cut {
  readonly kept: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Whether a positive or negative magnitude that is not exact goes up in this rounding mode. */
function goesUp(sign: Sign, rounding: Rounding, versusHalf: number, odd: boolean): boolean {
  switch (rounding) {
    case Rounding.nearest:
      return versusHalf > 0 || (versusHalf === 0 && odd);
    case Rounding.down:
      return sign === 1;
    case Rounding.up:
      return sign === 0;
    case Rounding.zero:
      return false;
  }
}

/** Rounds off the low `drop` bits of a positive magnitude. */
export function cut(sign: Sign, magnitude: bigint, drop: number, rounding: Rounding): Cut {
  if (drop <= 0) return { kept: magnitude << BigInt(-drop), inexact: false, up: false };
  const kept = magnitude >> BigInt(drop);
  const rest = BigInt.asUintN(drop, magnitude);
  if (rest === 0n) return { kept, inexact: false, up: false };
  const half = powerOfTwo(drop - 1);
  const versusHalf = rest > half ? 1 : rest === half ? 0 : -1;
  const up = goesUp(sign, rounding, versusHalf, (kept & 1n) !== 0n);
  return { kept: up ? kept + 1n : kept, inexact: true, up };
}

/** The integer next to a finite operand in a rounding mode; `kept` is its magnitude. */
export function cutToInteger(x: Operand, rounding: Rounding): Cut {
  if (x.kind === Kind.zero) return { kept: 0n, inexact: false, up: false };
  // Below a half only "more than nothing, less than half" matters.
  if (x.exponent < -1) return cut(x.sign, 1n, 2, rounding);
  return cut(x.sign, x.significand, 63 - x.exponent, rounding);
}

/**
 * sign * magnitude * 2**exponent, magnitude > 0, rounded to `precision` bits in the format.
 * An irrational or endless value is given with at least precision + 2 bits, the lowest of which is
 * set to stand for all that follows. `earlier` are flags raised before rounding; an unmasked one
 * among them ends the operation there.
 */
export function roundToFormat<V>(
  format: FloatFormat<V>,
  sign: Sign,
  magnitude: bigint,
  exponent: number,
  precision: number,
  earlier: number,
  environment: Environment,
): Outcome<V> {
  if ((earlier & environment.blocking) !== 0) {
    return outcome(packZero(format, sign), earlier, false, environment);
  }
  const length = bitLength(magnitude);
  const unbounded = cut(sign, magnitude, length - precision, environment.rounding);
  let kept = unbounded.kept;
  let top = exponent + length - 1;
  if (kept === powerOfTwo(precision)) {
    kept >>= 1n;
    top += 1;
  }
  const aligned = kept << BigInt(64 - precision);
  const inexactFlag = unbounded.inexact ? PE : 0;
  if (top < format.minExponent) {
    if ((environment.unmasked & UE) === 0) {
      return maskedUnderflow(format, sign, magnitude, exponent, precision, earlier, environment);
    }
    const flags = earlier | UE | inexactFlag;
    return unmaskedRange(
      format,
      sign,
      aligned,
      top + EXPONENT_ADJUSTMENT,
      flags,
      unbounded.up,
      environment,
    );
  }
  if (top > format.maxExponent) {
    if ((environment.unmasked & OE) === 0) {
      return maskedOverflow(format, sign, precision, earlier, environment);
    }
    const flags = earlier | OE | inexactFlag;
    return unmaskedRange(
      format,
      sign,
      aligned,
      top - EXPONENT_ADJUSTMENT,
      flags,
      unbounded.up,
      environment,
    );
  }
  const value = format.pack(sign, top + format.maxExponent, aligned);
  return outcome(value, earlier | inexactFlag, unbounded.up, environment);
}

function maskedUnderflow<V>(
  format: FloatFormat<V>,
  sign: Sign,
  magnitude: bigint,
  exponent: number,
  precision: number,
  earlier: number,
  environment: Environment,
): Outcome<V> {
  if (environment.flushToZero) {
    return outcome(packZero(format, sign), earlier | UE | PE, false, environment);
  }
  const drop = format.minExponent - precision + 1 - exponent;
  // Far below the smallest denormal only "more than nothing, less than half" is left of the value.
  const vanishing = drop > bitLength(magnitude) + 1;
  const denormal = vanishing
    ? cut(sign, 1n, 2, environment.rounding)
    : cut(sign, magnitude, drop, environment.rounding);
  const significand = denormal.kept << BigInt(64 - precision);
  const value = format.pack(sign, significand >= INTEGER_BIT ? 1 : 0, significand);
  const flags = denormal.inexact ? earlier | UE | PE : earlier;
  return outcome(value, flags, denormal.up, environment);
}

function maskedOverflow<V>(
  format: FloatFormat<V>,
  sign: Sign,
  precision: number,
  earlier: number,
  environment: Environment,
): Outcome<V> {
  const up = goesUp(sign, environment.rounding, 1, false);
  const largest = (powerOfTwo(precision) - 1n) << BigInt(64 - precision);
  const value = up
    ? packInfinity(format, sign)
    : format.pack(sign, 2 * format.maxExponent, largest);
  return outcome(value, earlier | OE | PE, up, environment);
}

/**
 * The result handed to the exception handler: exponent brought into range. Only FSCALE can exceed
 * even that range ("massive" overflow and underflow): infinity or zero then, which is inexact.
 * SSE and x87 stores to memory hand over nothing, and the latter report neither the precision
 * exception nor C1.
 */
function unmaskedRange<V>(
  format: FloatFormat<V>,
  sign: Sign,
  significand: bigint,
  adjusted: number,
  flags: number,
  roundedUp: boolean,
  environment: Environment,
): Outcome<V> {
  if ((flags & environment.blocking) !== 0) {
    const reported = environment.unit === "x87" ? flags & ~PE : flags;
    return outcome(packZero(format, sign), reported, false, environment);
  }
  if (adjusted > format.maxExponent) {
    return outcome(packInfinity(format, sign), flags | PE, true, environment);
  }
  if (adjusted < format.minExponent) {
    return outcome(packZero(format, sign), flags | PE, false, environment);
  }
  const value = format.pack(sign, adjusted + format.maxExponent, significand);
  return outcome(value, flags, roundedUp, environment);
}
