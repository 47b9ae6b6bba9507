/** The library against JavaScript's own IEEE 754 arithmetic, which is exact for f64 and, by fround, f32. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { integerSquareRoot } from "./bits.ts";
import { F32, F64, F80, type FloatFormat, type Outcome, PE, sse, x87 } from "./index.ts";

const MXCSR = 0x1f80;
const CONTROL = 0x037f;
const RUNS = { numRuns: 2000 };

const view = new DataView(new ArrayBuffer(8));

function bits64(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function value64(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function bits32(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

function value32(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Any double, with exponents drawn evenly so that denormals and overflow come up. */
const anyDouble = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(value64),
  fc.double(),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
);
const anySingle = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(value32),
  fc.float(),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
);

type Binary = <V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number) => Outcome<V>;
const OPERATIONS: readonly [string, Binary, (a: number, b: number) => number][] = [
  ["add", sse.add, (a, b) => a + b],
  ["subtract", sse.subtract, (a, b) => a - b],
  ["multiply", sse.multiply, (a, b) => a * b],
  ["divide", sse.divide, (a, b) => a / b],
];

describe("SSE arithmetic to nearest equals JavaScript's", () => {
  test.each(OPERATIONS)("f64 %s", (_name, operation, host) => {
    fc.assert(
      fc.property(anyDouble, anyDouble, (a, b) => {
        expect(value64(operation(F64, bits64(a), bits64(b), MXCSR).value)).toBe(host(a, b));
      }),
      RUNS,
    );
  });

  // One rounding to f64 and another to f32 is the same as one to f32: 53 >= 2 * 24 + 2.
  test.each(OPERATIONS)("f32 %s", (_name, operation, host) => {
    fc.assert(
      fc.property(anySingle, anySingle, (a, b) => {
        const expected = Math.fround(host(a, b));
        expect(value32(operation(F32, bits32(a), bits32(b), MXCSR).value)).toBe(expected);
      }),
      RUNS,
    );
  });

  test("square root", () => {
    fc.assert(
      fc.property(anyDouble, anySingle, (a, b) => {
        expect(value64(sse.squareRoot(F64, bits64(a), MXCSR).value)).toBe(Math.sqrt(a));
        const single = Math.fround(Math.sqrt(b));
        expect(value32(sse.squareRoot(F32, bits32(b), MXCSR).value)).toBe(single);
      }),
      RUNS,
    );
  });
});

describe("conversions equal JavaScript's", () => {
  test("f64 to f32 is Math.fround, f32 to f64 is exact", () => {
    fc.assert(
      fc.property(anyDouble, anySingle, (a, b) => {
        expect(value32(sse.convert(F64, F32, bits64(a), MXCSR).value)).toBe(Math.fround(a));
        expect(value64(sse.convert(F32, F64, bits32(b), MXCSR).value)).toBe(b);
      }),
      RUNS,
    );
  });

  test("truncation to i32 is Math.trunc inside the range", () => {
    fc.assert(
      fc.property(fc.double({ min: -(2 ** 31), max: 2 ** 31 - 1, noNaN: true }), (a) => {
        const { value, flags } = sse.toInteger(F64, bits64(a), 32, true, MXCSR);
        expect(Number(value)).toBe(Math.trunc(a) + 0);
        expect(flags).toBe(Number.isInteger(a) ? 0 : PE);
      }),
      RUNS,
    );
  });

  test("an i64 becomes the double that Number(bigint) gives", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        expect(value64(sse.fromInteger(F64, n, MXCSR).value)).toBe(Number(n));
      }),
      RUNS,
    );
  });

  test("ROUNDSD down, up and to zero are floor, ceil and trunc", () => {
    fc.assert(
      fc.property(anyDouble, (a) => {
        expect(value64(sse.round(F64, bits64(a), 1, MXCSR).value)).toBe(Math.floor(a));
        expect(value64(sse.round(F64, bits64(a), 2, MXCSR).value)).toBe(Math.ceil(a));
        expect(value64(sse.round(F64, bits64(a), 3, MXCSR).value)).toBe(Math.trunc(a));
      }),
      RUNS,
    );
  });

  test("a double goes through an 80-bit register unchanged", () => {
    fc.assert(
      fc.property(anyDouble, (a) => {
        const loaded = x87.fld(F64, bits64(a), CONTROL).value;
        expect(value64(x87.fst(F64, loaded, CONTROL).value)).toBe(a);
      }),
      RUNS,
    );
  });

  test("an i64 goes through an 80-bit register and through decimal unchanged", () => {
    const limit = 10n ** 18n - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), (n) => {
        expect(x87.fist(x87.fild(n), 64, CONTROL).value).toBe(n);
        const decimal = x87.fbstp(x87.fild(n), CONTROL).value;
        expect(x87.fbld(decimal)).toEqual(x87.fild(n));
      }),
      RUNS,
    );
  });
});

describe("comparison equals JavaScript's", () => {
  test("UCOMISD", () => {
    fc.assert(
      fc.property(anyDouble, anyDouble, (a, b) => {
        const unordered = Number.isNaN(a) || Number.isNaN(b);
        const expected = unordered ? 0x45 : a > b ? 0 : a < b ? 1 : 0x40;
        expect(sse.ucomis(F64, bits64(a), bits64(b), MXCSR).value).toBe(expected);
      }),
      RUNS,
    );
  });
});

describe("x87 laws", () => {
  const anyRegister: fc.Arbitrary<F80> = fc.record({
    signExponent: fc.integer({ min: 0, max: 0xffff }),
    significand: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  });

  test("FADD and FMUL do not depend on the order of operands", () => {
    fc.assert(
      fc.property(anyRegister, anyRegister, (a, b) => {
        const x = F80.unpack(a);
        const y = F80.unpack(b);
        expect(x87.fadd(x, y, CONTROL)).toEqual(x87.fadd(y, x, CONTROL));
        expect(x87.fmul(x, y, CONTROL)).toEqual(x87.fmul(y, x, CONTROL));
      }),
      RUNS,
    );
  });

  test("rounding down and up enclose the exact result and meet when it is exact", () => {
    fc.assert(
      fc.property(anyRegister, anyRegister, (a, b) => {
        const x = F80.unpack(a);
        const y = F80.unpack(b);
        const down = x87.fdiv(x, y, CONTROL | 0x400);
        const up = x87.fdiv(x, y, CONTROL | 0x800);
        if ((down.flags & PE) === 0) expect(up).toEqual(down);
        else expect(up.value).not.toEqual(down.value);
      }),
      RUNS,
    );
  });

  test("with precision control at 53 bits, moderate values compute as doubles do", () => {
    const moderate = fc.double({ min: -1e100, max: 1e100, noNaN: true });
    fc.assert(
      fc.property(moderate, moderate, (a, b) => {
        fc.pre(Math.abs(a) > 1e-100);
        fc.pre(Math.abs(b) > 1e-100);
        const quotient = x87.fdiv(F64.unpack(bits64(a)), F64.unpack(bits64(b)), 0x027f);
        expect(value64(x87.fst(F64, quotient.value, CONTROL).value)).toBe(a / b);
      }),
      RUNS,
    );
  });

  test("repeated FPREM ends at JavaScript's remainder", () => {
    fc.assert(
      fc.property(anyDouble, anyDouble, (a, b) => {
        const divisor = F64.unpack(bits64(b));
        let step = x87.fprem(F64.unpack(bits64(a)), divisor, CONTROL);
        while ((step.condition & x87.C2) !== 0) {
          step = x87.fprem(F80.unpack(step.value), divisor, CONTROL);
        }
        expect(value64(x87.fst(F64, step.value, CONTROL).value)).toBe(a % b);
      }),
      RUNS,
    );
  });

  test("FSCALE undoes FXTRACT", () => {
    fc.assert(
      fc.property(anyRegister, (a) => {
        const x = F80.unpack({ ...a, significand: a.significand | (1n << 63n) });
        fc.pre((a.signExponent & 0x7fff) !== 0x7fff);
        const { value, exponent } = x87.fxtract(x, CONTROL);
        const back = x87.fscale(F80.unpack(value), F80.unpack(exponent), CONTROL).value;
        expect(F80.unpack(back).significand).toBe(x.significand);
        expect(F80.unpack(back).exponent).toBe(x.exponent);
      }),
      RUNS,
    );
  });
});

test("the integer square root is the largest whose square fits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 600n }), (n) => {
      const root = integerSquareRoot(n);
      expect(root * root <= n && (root + 1n) * (root + 1n) > n).toBe(true);
    }),
    RUNS,
  );
});
