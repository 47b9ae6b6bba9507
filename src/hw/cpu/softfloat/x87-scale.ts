/**
 * FSCALE and FXTRACT. SDM Vol. 2, "FSCALE—Scale" (table "FSCALE Results"), "FXTRACT—Extract
 * Exponent and Significand"; SDM Vol. 1, "Numeric Underflow Exception (#U)" for massive underflow.
 */

import { type Outcome, outcome, Rounding, x87Register, ZE } from "./environment.ts";
import {
  F80,
  fromInteger,
  Kind,
  type Operand,
  packExact,
  packInfinity,
  packZero,
} from "./formats.ts";
import { denormalFlag, invalid, notANumber } from "./nan.ts";
import { cutToInteger, roundToFormat } from "./round.ts";

/** Beyond this any scale overflows or underflows even with an adjusted exponent. */
const FARTHEST_SCALE = 0x1_0000;

/** x * 2**trunc(y). Precision control has no say. */
export function fscale(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, y, environment);
  if (nan !== undefined) return nan;
  const flags = denormalFlag(x, y);
  if (y.kind === Kind.infinity) {
    const vanishes = y.sign === 1;
    if (x.kind === (vanishes ? Kind.infinity : Kind.zero)) return invalid(F80, environment);
    const value = vanishes ? packZero(F80, x.sign) : packInfinity(F80, x.sign);
    return outcome(value, flags, false, environment);
  }
  if (x.kind === Kind.infinity)
    return outcome(packInfinity(F80, x.sign), flags, false, environment);
  if (x.kind === Kind.zero) return outcome(packZero(F80, x.sign), flags, false, environment);
  const magnitude = y.exponent >= 16 ? FARTHEST_SCALE : Number(cutToInteger(y, Rounding.zero).kept);
  const scale = y.sign === 1 ? -magnitude : magnitude;
  return roundToFormat(F80, x.sign, x.significand, x.exponent - 63 + scale, 64, flags, environment);
}

/** FXTRACT leaves the exponent in the old top of stack and pushes the significand. */
export interface ExtractOutcome extends Outcome<F80> {
  readonly exponent: F80;
}

function extracted(result: Outcome<F80>, exponent: F80): ExtractOutcome {
  const { value, flags, roundedUp, stored } = result;
  return { value, flags, roundedUp, stored, exponent };
}

export function fxtract(x: Operand, controlWord: number): ExtractOutcome {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, x, environment);
  if (nan !== undefined) return extracted(nan, nan.value);
  if (x.kind === Kind.zero) {
    const zero = outcome(packZero(F80, x.sign), ZE, false, environment);
    return extracted(zero, packInfinity(F80, 1));
  }
  if (x.kind === Kind.infinity) {
    const infinite = outcome(packInfinity(F80, x.sign), 0, false, environment);
    return extracted(infinite, packInfinity(F80, 0));
  }
  const significand = F80.pack(x.sign, F80.maxExponent, x.significand);
  const exponent = packExact(F80, fromInteger(BigInt(x.exponent)));
  return extracted(outcome(significand, denormalFlag(x), false, environment), exponent);
}
