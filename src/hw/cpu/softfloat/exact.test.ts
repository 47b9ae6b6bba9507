/**
 * The definition of rounding, on exact integers: a result rounded down is the largest representable
 * number not above the exact value, one rounded up the smallest not below it, and one to nearest at
 * most half a unit away. IEEE 754-2008, "Rounding-direction attributes".
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { F80, Kind, type Outcome, x87 } from "./index.ts";

const CONTROL = 0x037f;
const DOWN = 0x0400;
const UP = 0x0800;
const RUNS = { numRuns: 1500 };

/** All values here are counted in units of 2**-SCALE. */
const SCALE = 1200;

/** Significands of few bits, of many, and of all kinds in between. */
const anySignificand: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 1n << 63n, max: 2n ** 64n - 1n }),
  fc.integer({ min: 0, max: 63 }).map((n) => (1n << 63n) | (1n << BigInt(n))),
  fc.integer({ min: 0, max: 63 }).map((n) => ((1n << 64n) - 1n) ^ ((1n << BigInt(n)) - 1n)),
);

function anyWithin(exponents: number): fc.Arbitrary<F80> {
  return fc.record({
    signExponent: fc
      .tuple(fc.boolean(), fc.integer({ min: -exponents, max: exponents }))
      .map(([negative, exponent]) => (negative ? 0x8000 : 0) | (0x3fff + exponent)),
    significand: anySignificand,
  });
}

function exact(value: F80): bigint {
  const x = F80.unpack(value);
  if (x.kind === Kind.zero) return 0n;
  const magnitude = x.significand << BigInt(x.exponent - 63 + SCALE);
  return x.sign === 1 ? -magnitude : magnitude;
}

/** The unit of the last place of a number other than zero. */
function unit(value: F80): bigint {
  return 1n << BigInt(F80.unpack(value).exponent - 63 + SCALE);
}

/** Where `value` may stand for the exact a / b: rounded down, up and to nearest. */
function isRounded(value: F80, mode: number, a: bigint, b = 1n): boolean {
  const error = exact(value) * b - a;
  const step = unit(value) * b;
  if (mode === DOWN) return error <= 0n && -error < step;
  if (mode === UP) return error >= 0n && error < step;
  return 2n * (error < 0n ? -error : error) <= step;
}

const MODES = [0, DOWN, UP] as const;

/** The rounding modes in which an operation misses the exact a / b. */
function misrounded(operation: (control: number) => Outcome<F80>, a: bigint, b = 1n): number[] {
  return MODES.filter((mode) => {
    const { value } = operation(CONTROL | mode);
    return a === 0n ? exact(value) !== 0n : !isRounded(value, mode, a, b);
  });
}

describe("x87 arithmetic", () => {
  test("FADD and FSUB, exponents up to 150 apart", () => {
    fc.assert(
      fc.property(anyWithin(75), anyWithin(75), (a, b) => {
        const [x, y] = [F80.unpack(a), F80.unpack(b)];
        expect(misrounded((control) => x87.fadd(x, y, control), exact(a) + exact(b))).toEqual([]);
        expect(misrounded((control) => x87.fsub(x, y, control), exact(a) - exact(b))).toEqual([]);
      }),
      RUNS,
    );
  });

  test("FMUL and FDIV", () => {
    fc.assert(
      fc.property(anyWithin(40), anyWithin(40), (a, b) => {
        const [x, y] = [F80.unpack(a), F80.unpack(b)];
        const divisor = exact(b) < 0n ? -exact(b) : exact(b);
        const dividend = exact(b) < 0n ? -exact(a) : exact(a);
        expect(
          misrounded((control) => x87.fmul(x, y, control), (exact(a) * exact(b)) >> BigInt(SCALE)),
        ).toEqual([]);
        expect(
          misrounded((control) => x87.fdiv(x, y, control), dividend << BigInt(SCALE), divisor),
        ).toEqual([]);
      }),
      RUNS,
    );
  });

  test("FSQRT: the square of a neighbour lies beyond", () => {
    fc.assert(
      fc.property(anyWithin(300), (a) => {
        const positive = { ...a, signExponent: a.signExponent & 0x7fff };
        const { value } = x87.fsqrt(F80.unpack(positive), CONTROL | DOWN);
        const radicand = exact(positive) << BigInt(SCALE);
        const above = exact(value) + unit(value);
        expect(exact(value) ** 2n <= radicand && above * above > radicand).toBe(true);
      }),
      RUNS,
    );
  });
});

/** The sum of a series of positive or alternating terms, far beyond the precision in question. */
function series(first: bigint, next: (term: bigint, n: bigint) => bigint): bigint {
  let sum = 0n;
  let term = first;
  for (let n = 1n; term > 1n || term < -1n; n += 1n) {
    sum += term;
    term = next(term, n);
  }
  return sum;
}

const scaled = (a: bigint, b: bigint) => (a * b) >> BigInt(SCALE);

function unwrap(result: x87.Trigonometric): Outcome<F80> {
  if (result === "out of range") throw new Error(result);
  return result;
}

describe("x87 transcendental instructions on 0.5 to 1", () => {
  const anySource = anySignificand.map(
    (significand): F80 => ({ signExponent: 0x3ffe, significand }),
  );

  test("FSIN and FCOS", () => {
    fc.assert(
      fc.property(anySource, (source) => {
        const x = exact(source);
        const square = scaled(x, x);
        const sine = series(x, (term, n) => -scaled(term, square) / (2n * n * (2n * n + 1n)));
        const cosine = series(1n << BigInt(SCALE), (term, n) => {
          return -scaled(term, square) / (2n * n * (2n * n - 1n));
        });
        // An exact pi: near pi/4 the 66 bits of the unit's own would show.
        const operand = F80.unpack(source);
        expect(
          misrounded((control) => unwrap(x87.fsin(operand, control, x87.EXACT_PI)), sine),
        ).toEqual([]);
        expect(
          misrounded((control) => unwrap(x87.fcos(operand, control, x87.EXACT_PI)), cosine),
        ).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("F2XM1", () => {
    const one = 1n << BigInt(SCALE);
    // ln 2 = sum of 1 / (n * 2**n)
    let ln2 = 0n;
    for (let n = 1n; n < BigInt(SCALE); n += 1n) ln2 += one / (n << n);
    fc.assert(
      fc.property(anySource, (source) => {
        const t = scaled(exact(source), ln2);
        const power = series(t, (term, n) => scaled(term, t) / (n + 1n));
        expect(misrounded((control) => x87.f2xm1(F80.unpack(source), control), power)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("FPATAN of x and 1", () => {
    fc.assert(
      fc.property(anySource, (source) => {
        const x = exact(source);
        const one = 1n << BigInt(SCALE);
        // Euler: atan x = sum of 2**2n (n!)**2 / (2n+1)! * x**(2n+1) / (1 + x**2)**(n+1)
        const denominator = one + scaled(x, x);
        const z = (scaled(x, x) << BigInt(SCALE)) / denominator;
        const first = (x << BigInt(SCALE)) / denominator;
        const angle = series(first, (term, n) => (scaled(term, z) * 2n * n) / (2n * n + 1n));
        const unitVector = F80.unpack({ signExponent: 0x3fff, significand: 1n << 63n });
        expect(
          misrounded((control) => x87.fpatan(unitVector, F80.unpack(source), control), angle),
        ).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("FYL2X with y = 1", () => {
    fc.assert(
      fc.property(anySource, (source) => {
        fc.pre(source.significand !== 1n << 63n);
        const one = 1n << BigInt(SCALE);
        // ln x = -sum of (1 - x)**n / n
        const distance = one - exact(source);
        let natural = 0n;
        let power = distance;
        for (let n = 1n; power > 0n; n += 1n) {
          natural -= power / n;
          power = scaled(power, distance);
        }
        let ln2 = 0n;
        for (let n = 1n; n < BigInt(SCALE); n += 1n) ln2 += one / (n << n);
        const unitVector = F80.unpack({ signExponent: 0x3fff, significand: 1n << 63n });
        const logarithm = (natural << BigInt(SCALE)) / ln2;
        expect(
          misrounded((control) => x87.fyl2x(F80.unpack(source), unitVector, control), logarithm),
        ).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
