/**
 * FSIN, FCOS, FSINCOS, FPTAN and FPATAN. SDM Vol. 2, the entries of those names (tables "FSIN
 * Results", "FCOS Results", "FPTAN Results", "FPATAN Results"); SDM Vol. 1, "Approximation of Pi".
 * Results are correctly rounded by rounding control; precision control has no say.
 *
 * The argument is reduced with a pi of 66 significant bits, as the manual says of Intel's and as
 * AMD's family 1Ah measurably does; a caller may pass another length.
 */

import { around, type Enclose, type Enclosure, settle } from "./enclosure.ts";
import { type Environment, type Outcome, outcome, x87Register } from "./environment.ts";
import { F80, Kind, type Operand, packZero, type Sign } from "./formats.ts";
import { denormalFlag, invalid, notANumber } from "./nan.ts";
import { roundToFormat } from "./round.ts";
import { arcTangent, ERROR, GUARD_BITS, pi, sineCosine } from "./series.ts";

/**
 * Significant bits of the pi that reduces arguments. Any choice must leave more than 64 bits after
 * the trailing zeros, so that no register is a multiple of it; EXACT_PI has no end.
 */
export const PI_BITS = 66;
export const EXACT_PI: number = Number.POSITIVE_INFINITY;

/** A result, or the word that the source is out of range: C2 set, nothing changed, no exception. */
export type Trigonometric = Outcome<F80> | "out of range";
/** FSINCOS: `value` is the sine, which replaces ST(0); the cosine is pushed. */
export interface SineCosineOutcome extends Outcome<F80> {
  readonly cosine: F80;
}

const ONE: F80 = F80.pack(0, F80.maxExponent, 1n << 63n);

/** The outcome for operands that need no computation; undefined for finite numbers in range. */
function withoutComputation(
  x: Operand,
  atZero: F80,
  environment: Environment,
): Trigonometric | undefined {
  const nan = notANumber(F80, x, x, environment);
  if (nan !== undefined) return nan;
  if (x.kind === Kind.infinity) return invalid(F80, environment);
  if (x.kind === Kind.zero) return outcome(atZero, 0, false, environment);
  return x.exponent >= 63 ? "out of range" : undefined;
}

function rounded(
  sign: Sign,
  enclose: Enclose,
  flags: number,
  environment: Environment,
): Outcome<F80> {
  const { magnitude, exponent } = settle(enclose);
  return roundToFormat(F80, sign, magnitude, exponent, 64, flags, environment);
}

export function fsin(x: Operand, controlWord: number, piBits: number = PI_BITS): Trigonometric {
  const environment = x87Register(controlWord);
  const known = withoutComputation(x, packZero(F80, x.sign), environment);
  return known ?? sine(x, piBits, environment);
}

export function fcos(x: Operand, controlWord: number, piBits: number = PI_BITS): Trigonometric {
  const environment = x87Register(controlWord);
  return withoutComputation(x, ONE, environment) ?? cosine(x, piBits, environment);
}

/** The tangent, which replaces ST(0); then 1 is pushed, or a NaN result once more. */
export function fptan(x: Operand, controlWord: number, piBits: number = PI_BITS): Trigonometric {
  const environment = x87Register(controlWord);
  const known = withoutComputation(x, packZero(F80, x.sign), environment);
  return known ?? tangent(x, piBits, environment);
}

export function fsincos(
  x: Operand,
  controlWord: number,
  piBits: number = PI_BITS,
): SineCosineOutcome | "out of range" {
  const environment = x87Register(controlWord);
  const first = withoutComputation(x, packZero(F80, x.sign), environment);
  if (first === "out of range") return first;
  const second = withoutComputation(x, ONE, environment);
  if (first !== undefined && second !== undefined && second !== "out of range") {
    return { ...first, cosine: second.value };
  }
  const { value, flags, stored } = sine(x, piBits, environment);
  const other = cosine(x, piBits, environment);
  // C1 speaks of the cosine, which is rounded last.
  const { roundedUp } = other;
  return { value, flags: flags | other.flags, roundedUp, stored, cosine: other.value };
}

/** An argument brought to between 0 and pi/4 by quarter turns; r in units of 2**-fraction. */
interface Reduced {
  readonly quadrant: number;
  readonly negative: boolean;
  readonly r: bigint;
  readonly fraction: number;
}

function reduce(x: Operand, bits: number, piBits: number): Reduced {
  const small = x.exponent < 0 ? -x.exponent : 0;
  const fraction = bits + GUARD_BITS + small;
  // Up to 2**63 quarter turns multiply the error of pi.
  const wide = fraction + 66;
  const argument = x.significand << BigInt(wide + x.exponent - 63);
  const half = cutPi(wide, piBits) >> 1n;
  const turns = (2n * argument + half) / (2n * half);
  const rest = argument - turns * half;
  const r = (rest < 0n ? -rest : rest) >> 66n;
  return { quadrant: Number(turns & 3n), negative: rest < 0n, r, fraction };
}

/** pi with at most `piBits` significant bits, in units of 2**-fraction. */
function cutPi(fraction: number, piBits: number): bigint {
  if (piBits >= fraction + 2) return pi(fraction);
  const drop = BigInt(fraction + 2 - piBits);
  return (pi(fraction) >> drop) << drop;
}

/** Below this the argument is its own sine and tangent, but for the rounding: x**3 is out of sight. */
function isTiny(x: Operand, bits: number): boolean {
  return x.exponent < -bits;
}

function widened(x: Operand, bits: number): { magnitude: bigint; exponent: number } {
  return { magnitude: x.significand << BigInt(bits), exponent: x.exponent - 63 - bits };
}

function sine(x: Operand, piBits: number, environment: Environment): Outcome<F80> {
  let negative = false;
  const enclose: Enclose = (bits) => {
    if (isTiny(x, bits)) {
      const { magnitude, exponent } = widened(x, bits);
      return { low: magnitude - 1n, high: magnitude, exponent };
    }
    const reduced = reduce(x, bits, piBits);
    const values = sineCosine(reduced.r, reduced.fraction);
    const odd = (reduced.quadrant & 1) !== 0;
    negative = reduced.quadrant >= 2 !== (reduced.negative && !odd);
    return around(odd ? values.cosine : values.sine, ERROR, reduced.fraction);
  };
  const { magnitude, exponent } = settle(enclose);
  const sign = (negative ? 1 - x.sign : x.sign) as Sign;
  return roundToFormat(F80, sign, magnitude, exponent, 64, denormalFlag(x), environment);
}

function cosine(x: Operand, piBits: number, environment: Environment): Outcome<F80> {
  let negative = false;
  const enclose: Enclose = (bits) => {
    if (isTiny(x, bits))
      return { low: (1n << BigInt(bits)) - 1n, high: 1n << BigInt(bits), exponent: -bits };
    const reduced = reduce(x, bits, piBits);
    const values = sineCosine(reduced.r, reduced.fraction);
    const odd = (reduced.quadrant & 1) !== 0;
    negative = odd ? (reduced.quadrant === 1) !== reduced.negative : reduced.quadrant === 2;
    return around(odd ? values.sine : values.cosine, ERROR, reduced.fraction);
  };
  const { magnitude, exponent } = settle(enclose);
  const sign = negative ? 1 : 0;
  return roundToFormat(F80, sign, magnitude, exponent, 64, denormalFlag(x), environment);
}

function tangent(x: Operand, piBits: number, environment: Environment): Outcome<F80> {
  let negative = false;
  const enclose: Enclose = (bits) => {
    if (isTiny(x, bits)) {
      const { magnitude, exponent } = widened(x, bits);
      return { low: magnitude, high: magnitude + 1n, exponent };
    }
    const reduced = reduce(x, bits, piBits);
    const values = sineCosine(reduced.r, reduced.fraction);
    const odd = (reduced.quadrant & 1) !== 0;
    negative = odd !== reduced.negative;
    return odd
      ? quotient(values.cosine, values.sine, reduced.fraction)
      : quotient(values.sine, values.cosine, reduced.fraction);
  };
  const { magnitude, exponent } = settle(enclose);
  const sign = (negative ? 1 - x.sign : x.sign) as Sign;
  return roundToFormat(F80, sign, magnitude, exponent, 64, denormalFlag(x), environment);
}

/** Of two fixed-point numbers that are each known to within ERROR. */
function quotient(numerator: bigint, denominator: bigint, fraction: number): Enclosure {
  const shift = BigInt(fraction);
  // A denominator not yet told from zero: an enclosure too wide to settle.
  if (denominator <= ERROR) return { low: 0n, high: 1n, exponent: 0 };
  return {
    low: ((numerator - ERROR) << shift) / (denominator + ERROR),
    high: ((numerator + ERROR) << shift) / (denominator - ERROR) + 1n,
    exponent: -fraction,
  };
}

/** The arc tangent of y / x in the quadrant of the point (x, y): ST(0) is x, ST(1) is y. */
export function fpatan(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  const environment = x87Register(controlWord);
  const nan = notANumber(F80, x, y, environment);
  if (nan !== undefined) return nan;
  const flags = denormalFlag(x, y);
  const eighths = specialAngle(x, y);
  if (eighths === 0) return outcome(packZero(F80, y.sign), flags, false, environment);
  if (eighths !== undefined) return rounded(y.sign, eighthsOfTurn(eighths), flags, environment);
  return rounded(y.sign, (bits) => angle(x, y, bits), flags, environment);
}

/** The angle in units of pi/4 where zeros and infinities decide it alone. */
function specialAngle(x: Operand, y: Operand): number | undefined {
  const ahead = x.sign === 0;
  if (y.kind === Kind.zero) return ahead ? 0 : 4;
  if (y.kind === Kind.infinity) return x.kind === Kind.infinity ? (ahead ? 1 : 3) : 2;
  if (x.kind === Kind.infinity) return ahead ? 0 : 4;
  return x.kind === Kind.zero ? 2 : undefined;
}

function eighthsOfTurn(count: number): Enclose {
  return (bits) => {
    const fraction = bits + GUARD_BITS;
    return around((pi(fraction) * BigInt(count)) >> 2n, ERROR, fraction);
  };
}

function angle(x: Operand, y: Operand, bits: number): Enclosure {
  const ratio = x.exponent - y.exponent;
  if (x.sign === 0 && ratio > bits) return tinyAngle(x, y, bits);
  const fraction = bits + GUARD_BITS + (x.sign === 0 && ratio > 0 ? ratio + 1 : 0);
  const steep = ratio < 0 || (ratio === 0 && y.significand > x.significand);
  const low = steep ? x : y;
  const high = steep ? y : x;
  const distance = high.exponent - low.exponent;
  // Beyond the last bit the smaller coordinate vanishes in the error.
  const t =
    distance > fraction ? 0n : (low.significand << BigInt(fraction - distance)) / high.significand;
  const acute = arcTangent(t, fraction);
  const halfTurn = pi(fraction);
  let result = steep ? (halfTurn >> 1n) - acute : acute;
  if (x.sign === 1) result = halfTurn - result;
  return around(result, ERROR, fraction);
}

/** For y / x below 2**-bits the angle is y / x, less a part in 2**(2 * bits). */
function tinyAngle(x: Operand, y: Operand, bits: number): Enclosure {
  const dividend = y.significand << BigInt(bits);
  const ratio = dividend / x.significand;
  const isExact = ratio * x.significand === dividend;
  const exponent = y.exponent - x.exponent - bits;
  return { low: ratio - 1n, high: isExact ? ratio : ratio + 1n, exponent };
}
