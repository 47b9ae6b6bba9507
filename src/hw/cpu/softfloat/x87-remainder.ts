/**
 * FPREM and FPREM1. SDM Vol. 2, "FPREM—Partial Remainder" (tables "FPREM Results"), "FPREM1—Partial
 * Remainder". The result is always exact.
 */

import { powerOfTwo } from "./bits.ts";
import { type Environment, type Outcome, outcome, x87Register } from "./environment.ts";
import { F80, Kind, type Operand, packZero, type Sign } from "./formats.ts";
import { denormalFlag, invalid, notANumber } from "./nan.ts";
import { roundToFormat } from "./round.ts";
import { C0, C1, C2, C3 } from "./x87-compare.ts";

/** A remainder and the condition codes: C2 when partial, else quotient bits 2, 1, 0 in C0, C3, C1. */
export interface RemainderOutcome extends Outcome<F80> {
  readonly condition: number;
}

/** FPREM: the quotient is truncated. */
export function fprem(x: Operand, y: Operand, controlWord: number): RemainderOutcome {
  return remainder(x, y, false, x87Register(controlWord));
}

/** FPREM1: the quotient is rounded to nearest even, as IEEE 754 defines the remainder. */
export function fprem1(x: Operand, y: Operand, controlWord: number): RemainderOutcome {
  return remainder(x, y, true, x87Register(controlWord));
}

function withCondition(result: Outcome<F80>, condition: number): RemainderOutcome {
  const { value, flags, roundedUp, stored } = result;
  return { value, flags, roundedUp, stored, condition };
}

function remainder(
  x: Operand,
  y: Operand,
  nearest: boolean,
  environment: Environment,
): RemainderOutcome {
  const nan = notANumber(F80, x, y, environment);
  if (nan !== undefined) return withCondition(nan, 0);
  if (x.kind === Kind.infinity || y.kind === Kind.zero) {
    return withCondition(invalid(F80, environment), 0);
  }
  const flags = denormalFlag(x, y);
  if (x.kind === Kind.zero) {
    return withCondition(outcome(packZero(F80, x.sign), flags, false, environment), 0);
  }
  if (y.kind === Kind.infinity) return withCondition(whole(x, flags, environment), 0);
  const distance = x.exponent - y.exponent;
  if (distance >= 64) return partial(x, y, distance, flags, environment);
  return final(x, y, distance, nearest, flags, environment);
}

/** x itself as the result; a denormal is tiny, so an unmasked underflow still adjusts it. */
function whole(x: Operand, flags: number, environment: Environment): Outcome<F80> {
  return roundToFormat(F80, x.sign, x.significand, x.exponent - 63, 64, flags, environment);
}

function final(
  x: Operand,
  y: Operand,
  distance: number,
  nearest: boolean,
  flags: number,
  environment: Environment,
): RemainderOutcome {
  // More than one binade below the divisor the quotient is 0 either way.
  if (distance < -1) return withCondition(whole(x, flags, environment), 0);
  // One place to the right when the dividend is a binade lower, so that both are integers.
  const dividend = distance < 0 ? x.significand : x.significand << BigInt(distance);
  const divisor = distance < 0 ? y.significand << 1n : y.significand;
  const unit = (distance < 0 ? x.exponent : y.exponent) - 63;
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  let sign = x.sign;
  if (nearest) {
    const twice = rest << 1n;
    if (twice > divisor || (twice === divisor && (quotient & 1n) === 1n)) {
      quotient += 1n;
      rest = divisor - rest;
      sign = (1 - sign) as Sign;
    }
  }
  const condition = quotientBits(Number(BigInt.asUintN(3, quotient)));
  const result =
    rest === 0n
      ? outcome(packZero(F80, x.sign), flags, false, environment)
      : roundToFormat(F80, sign, rest, unit, 64, flags, environment);
  return withCondition(result, condition);
}

function quotientBits(quotient: number): number {
  return (
    ((quotient & 4) !== 0 ? C0 : 0) |
    ((quotient & 2) !== 0 ? C3 : 0) |
    ((quotient & 1) !== 0 ? C1 : 0)
  );
}

/**
 * Takes off a multiple of the divisor that brings the exponents closer by N, 32 <= N <= 63, where
 * distance - N is a multiple of 32.
 */
function partial(
  x: Operand,
  y: Operand,
  distance: number,
  flags: number,
  environment: Environment,
): RemainderOutcome {
  const reduction = 32 + (distance % 32);
  const rest = (x.significand * powerOfTwo(reduction)) % y.significand;
  const unit = y.exponent - 63 + distance - reduction;
  const result =
    rest === 0n
      ? outcome(packZero(F80, x.sign), flags, false, environment)
      : roundToFormat(F80, x.sign, rest, unit, 64, flags, environment);
  return withCondition(result, C2);
}
