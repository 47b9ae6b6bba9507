/**
 * The CVT family and ROUND, one element at a time. SDM Vol. 2, "CVTSD2SS", "CVTSS2SD", "CVTSD2SI",
 * "CVTTSD2SI", "CVTSI2SD", "CVTDQ2PS", "ROUNDSD" and their relatives. Control is the MXCSR value.
 */

import { type Outcome, outcome, PE, Rounding, sse } from "./environment.ts";
import {
  type FloatFormat,
  fromInteger as operandOfInteger,
  fromMagnitude,
  Kind,
  packExact,
  packInfinity,
  packZero,
} from "./formats.ts";
import { type IntegerWidth, toInteger as operandToInteger } from "./integers.ts";
import { denormalFlag, notANumber } from "./nan.ts";
import { cutToInteger, roundToFormat } from "./round.ts";
import { source } from "./sse-arithmetic.ts";

/** CVTSS2SD, CVTSD2SS, CVTPS2PD, CVTPD2PS. */
export function convert<From, To>(
  from: FloatFormat<From>,
  to: FloatFormat<To>,
  a: From,
  mxcsr: number,
): Outcome<To> {
  const environment = sse(mxcsr);
  const x = source(from, a, environment);
  const nan = notANumber(to, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.infinity) return outcome(packInfinity(to, x.sign), 0, false, environment);
  if (x.kind === Kind.zero) return outcome(packZero(to, x.sign), 0, false, environment);
  return roundToFormat(
    to,
    x.sign,
    x.significand,
    x.exponent - 63,
    to.precision,
    denormalFlag(x),
    environment,
  );
}

/** CVT…2SI, CVT…2DQ, CVT…2PI, and with `truncate` the CVTT… forms. The value is signed. */
export function toInteger<V>(
  format: FloatFormat<V>,
  a: V,
  width: IntegerWidth,
  truncate: boolean,
  mxcsr: number,
): Outcome<bigint> {
  const environment = sse(mxcsr);
  const rounding = truncate ? Rounding.zero : environment.rounding;
  return operandToInteger(source(format, a, environment), width, rounding, environment);
}

/** CVTSI2SS, CVTSI2SD, CVTDQ2PS, CVTDQ2PD, CVTPI2PS, CVTPI2PD; a signed integer. */
export function fromInteger<V>(format: FloatFormat<V>, a: bigint, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  const x = operandOfInteger(a);
  if (x.kind === Kind.zero) return outcome(packZero(format, 0), 0, false, environment);
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

/**
 * ROUNDSS, ROUNDSD, ROUNDPS, ROUNDPD. Immediate: bits 1:0 rounding mode, bit 2 take the mode from
 * MXCSR instead, bit 3 report no precision exception.
 */
export function round<V>(
  format: FloatFormat<V>,
  a: V,
  immediate: number,
  mxcsr: number,
): Outcome<V> {
  const environment = sse(mxcsr);
  const x = source(format, a, environment);
  const nan = notANumber(format, x, x, environment);
  if (nan !== undefined) return nan;
  // From this exponent on every number is an integer.
  if (x.kind === Kind.infinity || x.kind === Kind.zero || x.exponent >= format.precision) {
    return outcome(packExact(format, x), 0, false, environment);
  }
  const mode = (immediate & 4) !== 0 ? environment.rounding : ((immediate & 3) as Rounding);
  const { kept, inexact, up } = cutToInteger(x, mode);
  const flags = inexact && (immediate & 8) === 0 ? PE : 0;
  return outcome(packExact(format, fromMagnitude(x.sign, kept)), flags, up, environment);
}
