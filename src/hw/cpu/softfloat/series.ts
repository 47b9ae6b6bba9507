/**
 * Elementary functions in fixed point over BigInt, by their Taylor series: the arithmetic under the
 * x87 transcendental instructions (SDM Vol. 1, "Transcendental Instructions"). A number here is a
 * bigint that counts units of 2**-F, with F passed as `fraction`. Every step drops less than one
 * unit, and no function takes more than a few hundred steps at the widths in use, so each result
 * lies within ERROR units of the exact one.
 */

import { integerSquareRoot } from "./bits.ts";

/** Extra fraction bits that a caller adds, and the bound on the error in units that they absorb. */
export const GUARD_BITS = 16;
export const ERROR = 1n << 14n;

/** e**t - 1 for 0 <= |t| < 1. */
export function exponentialMinusOne(t: bigint, fraction: number): bigint {
  const negative = t < 0n;
  const magnitude = negative ? -t : t;
  const shift = BigInt(fraction);
  let sum = 0n;
  let term = magnitude;
  for (let n = 2n; term !== 0n; n += 1n) {
    const odd = (n & 1n) === 1n;
    sum += negative && !odd ? -term : term;
    term = ((term * magnitude) >> shift) / n;
  }
  return sum;
}

/** Area tangent, z + z**3/3 + z**5/5 ..., for 0 <= z < 1/3. */
function areaTangent(z: bigint, fraction: number): bigint {
  const shift = BigInt(fraction);
  const square = (z * z) >> shift;
  let sum = 0n;
  let power = z;
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += power / n;
    power = (power * square) >> shift;
  }
  return sum;
}

/** ln(1 + x) for -1/3 <= x <= 1/2, where x = numerator / denominator. */
export function logarithmOfOnePlus(
  numerator: bigint,
  denominator: bigint,
  fraction: number,
): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const z = (magnitude << BigInt(fraction)) / (2n * denominator + numerator);
  const logarithm = 2n * areaTangent(z, fraction);
  return numerator < 0n ? -logarithm : logarithm;
}

/** Sine and cosine of 0 <= r <= 1. */
export function sineCosine(r: bigint, fraction: number): { sine: bigint; cosine: bigint } {
  const shift = BigInt(fraction);
  const sums = [1n << shift, 0n, 0n, 0n];
  let term = r;
  for (let n = 1; term !== 0n; n += 1) {
    sums[n & 3] = (sums[n & 3] ?? 0n) + term;
    term = ((term * r) >> shift) / BigInt(n + 1);
  }
  const [even = 0n, odd = 0n, evenMinus = 0n, oddMinus = 0n] = sums;
  return { sine: odd - oddMinus, cosine: even - evenMinus };
}

/** Arc tangent of 0 <= t <= 1. */
export function arcTangent(t: bigint, fraction: number): bigint {
  const shift = BigInt(fraction);
  const one = 1n << shift;
  // Halving the angle three times: tan(a/2) = t / (1 + sqrt(1 + t**2)).
  let halved = t;
  for (let step = 0; step < 3; step += 1) {
    const root = integerSquareRoot((one << shift) + halved * halved);
    halved = (halved << shift) / (one + root);
  }
  return alternatingArcTangent(halved, fraction) << 3n;
}

function alternatingArcTangent(t: bigint, fraction: number): bigint {
  const shift = BigInt(fraction);
  const square = (t * t) >> shift;
  let sum = 0n;
  let power = t;
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += (n & 2n) === 0n ? power / n : -(power / n);
    power = (power * square) >> shift;
  }
  return sum;
}

/** Machin: pi = 16 atan(1/5) - 4 atan(1/239). */
function computePi(fraction: number): bigint {
  const one = 1n << BigInt(fraction);
  return (
    16n * alternatingArcTangent(one / 5n, fraction) -
    4n * alternatingArcTangent(one / 239n, fraction)
  );
}

/** ln 2 = 2 artanh(1/3). */
function computeLn2(fraction: number): bigint {
  return 2n * areaTangent((1n << BigInt(fraction)) / 3n, fraction);
}

const TABLE_BITS = 1024;
const PI = computePi(TABLE_BITS + GUARD_BITS) >> BigInt(GUARD_BITS);
const LN2 = computeLn2(TABLE_BITS + GUARD_BITS) >> BigInt(GUARD_BITS);

/** pi, cut off: at most one unit too small. */
export function pi(fraction: number): bigint {
  if (fraction < TABLE_BITS) return PI >> BigInt(TABLE_BITS - fraction);
  return computePi(fraction + GUARD_BITS) >> BigInt(GUARD_BITS);
}

/** ln 2, cut off: at most one unit too small. */
export function ln2(fraction: number): bigint {
  if (fraction < TABLE_BITS) return LN2 >> BigInt(TABLE_BITS - fraction);
  return computeLn2(fraction + GUARD_BITS) >> BigInt(GUARD_BITS);
}
