/**
 * RCPPS, RCPSS, RSQRTPS, RSQRTSS. SDM Vol. 2, "RCPPS—Compute Reciprocals of Packed Single Precision
 * Floating-Point Values", "RSQRTPS". No exceptions, no influence of MXCSR; denormal sources count
 * as zeros and denormal results become zeros.
 *
 * Deviation: the manual promises a relative error below 1.5 * 2**-12 and leaves the bits open, and
 * they differ from one processor to the next. Here the result is the exact value rounded to
 * nearest at 12 bits (relative error at most 2**-12), which is what no processor gives.
 */

import { integerSquareRoot, powerOfTwo } from "./bits.ts";
import { Rounding } from "./environment.ts";
import {
  F32,
  Kind,
  type Operand,
  packInfinity,
  packNaN,
  packZero,
  QUIET_BIT,
  type Sign,
} from "./formats.ts";
import { INDEFINITE } from "./nan.ts";
import { cut } from "./round.ts";

const APPROXIMATE_BITS = 12;
/** Bits computed before rounding; the lowest is set because only powers of two come out even. */
const WORKING_BITS = 40;

/** magnitude * 2**exponent with WORKING_BITS or WORKING_BITS + 1 bits, at 12 bits, as a float. */
function approximation(sign: Sign, magnitude: bigint, exponent: number): number {
  const extra = magnitude >> BigInt(WORKING_BITS) === 0n ? WORKING_BITS : WORKING_BITS + 1;
  const { kept } = cut(sign, magnitude, extra - APPROXIMATE_BITS, Rounding.nearest);
  const carried = kept === powerOfTwo(APPROXIMATE_BITS) ? 1 : 0;
  const top = exponent + extra - 1 + carried;
  if (top < F32.minExponent) return packZero(F32, sign);
  if (top > F32.maxExponent) return packInfinity(F32, sign);
  const significand = kept << BigInt(64 - APPROXIMATE_BITS - carried);
  return F32.pack(sign, top + F32.maxExponent, significand);
}

function quietNaN(x: Operand): number {
  return packNaN(F32, { ...x, significand: x.significand | QUIET_BIT });
}

/** About 1 / a. */
export function reciprocal(a: number): number {
  const x = F32.unpack(a);
  if (x.kind >= Kind.quiet) return quietNaN(x);
  if (x.kind === Kind.infinity) return packZero(F32, x.sign);
  if (x.kind === Kind.zero || x.kind === Kind.denormal) return packInfinity(F32, x.sign);
  // significand is m * 2**40 with m of 24 bits, value m * 2**(exponent - 23)
  const m = x.significand >> 40n;
  const dividend = powerOfTwo(WORKING_BITS + 23);
  const quotient = dividend / m;
  const sticky = quotient * m === dividend ? 0n : 1n;
  return approximation(x.sign, quotient | sticky, -x.exponent - WORKING_BITS);
}

/** About 1 / sqrt(a). */
export function reciprocalSquareRoot(a: number): number {
  const x = F32.unpack(a);
  if (x.kind >= Kind.quiet) return quietNaN(x);
  if (x.kind === Kind.zero || x.kind === Kind.denormal) return packInfinity(F32, x.sign);
  if (x.sign === 1) return packNaN(F32, INDEFINITE);
  if (x.kind === Kind.infinity) return packZero(F32, 0);
  // value = m * 2**e with e even and m of 24 or 25 bits; the root of 2**n / m has about 40 bits
  const odd = (x.exponent - 23) & 1;
  const m = (x.significand >> 40n) << BigInt(odd);
  const e = x.exponent - 23 - odd;
  const n = 2 * WORKING_BITS + 24;
  const radicand = powerOfTwo(n) / m;
  const root = integerSquareRoot(radicand);
  const sticky = root * root * m === powerOfTwo(n) ? 0n : 1n;
  return approximation(0, root | sticky, (-e - n) / 2);
}
