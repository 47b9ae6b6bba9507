/** Rules of SDM Vol. 1 that are no table of one instruction: NaNs, exceptions, rounding, indefinites. */

import { describe, expect, test } from "vitest";
import { DE, F32, F64, F80, IE, OE, PE, sse, UE, x87, ZE } from "./index.ts";

const MASKED = 0x037f;
const MXCSR = 0x1f80;
const NEAREST = 0x000;
const DOWN = 0x400;
const UP = 0x800;

function register(signExponent: number, significand: bigint): F80 {
  return { signExponent, significand };
}

const ONE = register(0x3fff, 1n << 63n);
const LARGEST = register(0x7ffe, 0xffff_ffff_ffff_ffffn);
const SMALLEST_NORMAL = register(0x0001, 1n << 63n);
const QNAN_SMALL = register(0x7fff, (3n << 62n) | 1n);
const QNAN_LARGE = register(0x7fff, (3n << 62n) | 2n);
const SNAN_SMALL = register(0x7fff, (2n << 62n) | 3n);
const SNAN_LARGE = register(0x7fff, (2n << 62n) | 4n);

const quieted = (nan: F80): F80 => register(nan.signExponent, nan.significand | (1n << 62n));
const fadd = (a: F80, b: F80, control = MASKED) => x87.fadd(F80.unpack(a), F80.unpack(b), control);
const fmul = (a: F80, b: F80, control = MASKED) => x87.fmul(F80.unpack(a), F80.unpack(b), control);

describe("Rules for Handling NaNs, x87", () => {
  test.each([
    ["SNaN and QNaN: the QNaN", SNAN_LARGE, QNAN_SMALL, QNAN_SMALL, IE],
    ["two SNaNs: the larger significand", SNAN_SMALL, SNAN_LARGE, quieted(SNAN_LARGE), IE],
    ["two QNaNs: the larger significand", QNAN_SMALL, QNAN_LARGE, QNAN_LARGE, 0],
    ["SNaN and a number", SNAN_SMALL, ONE, quieted(SNAN_SMALL), IE],
    ["QNaN and a number", QNAN_SMALL, ONE, QNAN_SMALL, 0],
  ])("%s", (_rule, a, b, value, flags) => {
    expect(fadd(a, b)).toMatchObject({ value, flags });
    expect(fadd(b, a)).toMatchObject({ value, flags });
  });

  test("equal significands: the positive one", () => {
    const negative = { ...QNAN_SMALL, signExponent: 0xffff };
    expect(fadd(negative, QNAN_SMALL).value).toEqual(QNAN_SMALL);
    expect(fadd(QNAN_SMALL, negative).value).toEqual(QNAN_SMALL);
  });

  test("an unsupported encoding is invalid even beside a NaN", () => {
    const unnormal = register(0x3fff, 1n);
    expect(fadd(unnormal, QNAN_SMALL)).toMatchObject({ value: x87.REAL_INDEFINITE, flags: IE });
    expect(fadd(register(1, 1n), ONE)).toMatchObject({ value: x87.REAL_INDEFINITE, flags: IE });
  });
});

describe("Rules for Handling NaNs, SSE", () => {
  const quiet1 = 0x7fc0_0001;
  const quiet2 = 0x7fc0_0002;
  const signal1 = 0x7f80_0001;
  const one = 0x3f80_0000;
  test.each([
    ["SNaN and QNaN: the first, quieted", signal1, quiet2, quiet1, IE],
    ["QNaN and SNaN: the first", quiet2, signal1, quiet2, IE],
    ["two QNaNs: the first", quiet1, quiet2, quiet1, 0],
    ["a number and SNaN", one, signal1, quiet1, IE],
    ["a number and QNaN", one, quiet1, quiet1, 0],
  ])("%s", (_rule, a, b, value, flags) => {
    expect(sse.add(F32, a, b, MXCSR)).toMatchObject({ value, flags });
  });

  test("a NaN that is narrowed loses the low end of its payload", () => {
    const wide = 0x7ff0_0000_2000_0001n;
    expect(sse.convert(F64, F32, wide, MXCSR)).toMatchObject({ value: 0x7fc0_0001, flags: IE });
  });
});

describe("MIN and MAX", () => {
  const nan = 0x7fc0_0000;
  const one = 0x3f80_0000;
  const minusZero = 0x8000_0000;
  test("the second operand with a NaN on either side, with IE", () => {
    expect(sse.minimum(F32, nan, one, MXCSR)).toMatchObject({ value: one, flags: IE });
    expect(sse.maximum(F32, one, nan, MXCSR)).toMatchObject({ value: nan, flags: IE });
  });
  test("a signaling NaN as second operand is not quieted", () => {
    expect(sse.minimum(F32, one, 0x7f80_0001, MXCSR).value).toBe(0x7f80_0001);
  });
  test("the second operand when both are zero", () => {
    expect(sse.minimum(F32, 0, minusZero, MXCSR).value).toBe(minusZero);
    expect(sse.maximum(F32, minusZero, 0, MXCSR).value).toBe(0);
    expect(sse.maximum(F32, 0, minusZero, MXCSR).value).toBe(minusZero);
  });
});

describe("compare predicates", () => {
  const CASES: readonly [string, number, number][] = [
    ["less", 0x3f80_0000, 0x4000_0000],
    ["equal", 0x3f80_0000, 0x3f80_0000],
    ["greater", 0x4000_0000, 0x3f80_0000],
    ["unordered", 0x7fc0_0000, 0x3f80_0000],
  ];
  // Greater, less, equal, unordered, and whether a quiet NaN is invalid, as in the manual's table.
  const TABLE: readonly [string, number, string][] = [
    ["EQ_OQ", 0, "FFTF No"],
    ["LT_OS", 1, "FTFF Yes"],
    ["LE_OS", 2, "FTTF Yes"],
    ["UNORD_Q", 3, "FFFT No"],
    ["NEQ_UQ", 4, "TTFT No"],
    ["NLT_US", 5, "TFTT Yes"],
    ["NLE_US", 6, "TFFT Yes"],
    ["ORD_Q", 7, "TTTF No"],
    ["EQ_UQ", 8, "FFTT No"],
    ["NGE_US", 9, "FTFT Yes"],
    ["NGT_US", 10, "FTTT Yes"],
    ["FALSE_OQ", 11, "FFFF No"],
    ["NEQ_OQ", 12, "TTFF No"],
    ["GE_OS", 13, "TFTF Yes"],
    ["GT_OS", 14, "TFFF Yes"],
    ["TRUE_UQ", 15, "TTTT No"],
    ["EQ_OS", 16, "FFTF Yes"],
    ["LT_OQ", 17, "FTFF No"],
    ["TRUE_US", 31, "TTTT Yes"],
  ];
  test.each(TABLE)("%s", (_name, code, row) => {
    const [truths = "", signals] = row.split(" ");
    const order = ["greater", "less", "equal", "unordered"];
    for (const [relation, a, b] of CASES) {
      const { value, flags } = sse.compare(F32, a, b, code, MXCSR);
      const expected = {
        relation,
        value: truths[order.indexOf(relation)] === "T",
        flags: relation === "unordered" && signals === "Yes" ? IE : 0,
      };
      expect({ relation, value, flags }).toEqual(expected);
    }
  });
});

describe("indefinites", () => {
  test("integer indefinite is the most negative number, without a precision exception", () => {
    const many = register(0x3fff + 40, (1n << 63n) | 1n);
    expect(x87.fist(many, 16, MASKED)).toMatchObject({ value: -0x8000n, flags: IE });
    expect(x87.fist(many, 32, MASKED)).toMatchObject({ value: -0x8000_0000n, flags: IE });
    expect(x87.fist(many, 64, MASKED)).toMatchObject({ value: 1n << 40n, flags: PE });
    expect(sse.toInteger(F32, 0x7fc0_0000, 64, false, MXCSR)).toMatchObject({
      value: -(1n << 63n),
      flags: IE,
    });
  });

  test("the most negative integer itself is valid, by rounding too", () => {
    const value = register(0xc00e, 0x8000_6000_0000_0000n); // -32768.375
    expect(x87.fist(value, 16, MASKED)).toMatchObject({ value: -0x8000n, flags: PE });
    expect(x87.fist(value, 16, MASKED | DOWN)).toMatchObject({ value: -0x8000n, flags: IE });
  });

  test("one more than the largest integer is invalid", () => {
    expect(x87.fist(x87.fild(0x7fffn), 16, MASKED).value).toBe(0x7fffn);
    expect(x87.fist(x87.fild(0x8000n), 16, MASKED)).toMatchObject({ value: -0x8000n, flags: IE });
  });

  test("QNaN floating-point indefinite is negative with an empty payload", () => {
    expect(x87.REAL_INDEFINITE).toEqual(register(0xffff, 3n << 62n));
  });

  test("packed BCD indefinite", () => {
    const tooMuch = x87.fild(10n ** 18n);
    expect(x87.fbstp(tooMuch, MASKED)).toMatchObject({
      value: 0xffff_c000_0000_0000_0000n,
      flags: IE,
    });
    expect(x87.fbstp(x87.fild(-(10n ** 18n) + 1n), MASKED).value).toBe(0x8099_9999_9999_9999_9999n);
  });
});

describe("unmasked responses", () => {
  test("x87 register overflow: exponent less 24576, result stored", () => {
    const result = fmul(LARGEST, LARGEST, MASKED & ~OE);
    expect(result).toMatchObject({ flags: OE | PE, stored: true });
    expect(result.value.signExponent).toBe(0x7ffe + 0x7ffe + 1 - 0x3fff - 24576);
  });

  test("x87 register underflow: exponent plus 24576, reported even when exact", () => {
    const half = register(0x3ffe, 1n << 63n);
    expect(fmul(SMALLEST_NORMAL, half)).toMatchObject({ flags: 0 });
    const result = fmul(SMALLEST_NORMAL, half, MASKED & ~UE);
    expect(result).toMatchObject({ flags: UE, stored: true });
    expect(result.value).toEqual(register(24576, 1n << 63n));
  });

  test("x87 memory overflow: nothing stored, no precision exception", () => {
    expect(x87.fst(F32, LARGEST, MASKED & ~OE)).toMatchObject({ flags: OE, stored: false });
  });

  test("FSCALE massive overflow and underflow: infinity and zero", () => {
    const far = x87.fild(60000n);
    const scale = (n: F80, mask: number) =>
      x87.fscale(F80.unpack(ONE), F80.unpack(n), MASKED & ~mask);
    const tiny = x87.fscale(F80.unpack(ONE), F80.unpack(x87.fild(-16000n)), MASKED).value;
    const back = x87.fscale(F80.unpack(tiny), F80.unpack(x87.fild(32000n)), MASKED);
    expect(back).toMatchObject({ value: register(0x3fff + 16000, 1n << 63n), flags: 0 });
    expect(scale(far, OE).value).toEqual(register(0x7fff, 1n << 63n));
    expect(scale(x87.fild(-60000n), UE).value).toEqual(register(0, 0n));
  });

  test("invalid, denormal and divide-by-zero store nothing and end the operation", () => {
    const denormal = register(0, 1n);
    const zero = register(0, 0n);
    expect(fadd(SNAN_SMALL, ONE, MASKED & ~IE).stored).toBe(false);
    expect(fadd(denormal, ONE, MASKED & ~DE)).toMatchObject({ flags: DE, stored: false });
    expect(fadd(denormal, ONE)).toMatchObject({ flags: DE | PE, stored: true });
    const quotient = x87.fdiv(F80.unpack(ONE), F80.unpack(zero), MASKED & ~ZE);
    expect(quotient).toMatchObject({ flags: ZE, stored: false });
  });

  test("SSE stores nothing for any unmasked exception", () => {
    const third = sse.divide(
      F64,
      0x3ff0_0000_0000_0000n,
      0x4008_0000_0000_0000n,
      MXCSR & ~(PE << 7),
    );
    expect(third).toMatchObject({ flags: PE, stored: false });
  });

  test("in a packed operation an unmasked pre-computation exception hides the others", () => {
    const inexact = sse.divide(F32, 0x3f80_0000, 0x4040_0000, MXCSR);
    const byZero = sse.divide(F32, 0x3f80_0000, 0, MXCSR);
    expect(sse.combineFlags([inexact, byZero], MXCSR)).toEqual({ flags: PE | ZE, raises: false });
    const unmasked = MXCSR & ~(ZE << 7);
    expect(sse.combineFlags([inexact, byZero], unmasked)).toEqual({ flags: ZE, raises: true });
  });
});

describe("denormals-are-zeros and flush-to-zero", () => {
  const DAZ = 0x40;
  const FTZ = 0x8000;
  test("DAZ: a denormal source is a zero of its sign, without DE", () => {
    expect(sse.add(F32, 1, 0, MXCSR)).toMatchObject({ value: 1, flags: DE });
    expect(sse.add(F32, 0x8000_0001, 0x8000_0000, MXCSR | DAZ)).toMatchObject({
      value: 0x8000_0000,
      flags: 0,
    });
  });
  test("FTZ: a tiny result is a zero of its sign, with UE and PE", () => {
    const result = sse.multiply(F32, 0x8080_0000, 0x3f00_0000, MXCSR | FTZ);
    expect(result).toMatchObject({ value: 0x8000_0000, flags: UE | PE });
  });
  test("FTZ has no say while underflow is unmasked", () => {
    const control = (MXCSR | FTZ) & ~(UE << 7);
    expect(sse.multiply(F32, 0x8080_0000, 0x3f00_0000, control)).toMatchObject({
      flags: UE,
      stored: false,
    });
  });
});

describe("rounding", () => {
  test("tininess is detected after rounding", () => {
    // The exact product is a hair below the smallest normal number and rounds up to it.
    const below = 0x007f_ffffn;
    const product = sse.multiply(F32, 0x0080_0001, 0x3f7f_fffe, MXCSR);
    expect(product).toMatchObject({ value: 0x0080_0000, flags: PE });
    expect(sse.convert(F64, F32, (below + 1n) << 29n, MXCSR).flags & UE).not.toBe(0);
  });

  test("C1 says that the last rounding went up", () => {
    const third = (control: number) => x87.fdiv(F80.unpack(ONE), F80.unpack(x87.fild(3n)), control);
    expect(third(MASKED | NEAREST).roundedUp).toBe(true);
    expect(third(MASKED | DOWN).roundedUp).toBe(false);
    expect(third(MASKED | UP).roundedUp).toBe(true);
  });

  test("to integers, ties go to the even one", () => {
    const quarters = [1n, 2n, 3n, 6n, 10n, 14n].map(
      (n) => x87.fscale(F80.unpack(x87.fild(n)), F80.unpack(x87.fild(-2n)), MASKED).value,
    );
    const integers = quarters.map((value) => x87.fist(value, 32, MASKED).value);
    expect(integers).toEqual([0n, 0n, 1n, 2n, 2n, 4n]);
  });

  test("FRNDINT rounds the last fraction bit that a register can hold", () => {
    const value = register(0x3fff + 62, (1n << 63n) | 3n);
    expect(x87.frndint(F80.unpack(value), MASKED)).toMatchObject({
      value: register(0x3fff + 62, (1n << 63n) | 4n),
      flags: PE,
      roundedUp: true,
    });
  });

  test("a denormal that rounds up becomes the smallest normal number", () => {
    const below = register(0x0001, 0xffff_ffff_ffff_ffffn);
    const half = register(0x3ffe, 1n << 63n);
    expect(fmul(below, half)).toMatchObject({ value: SMALLEST_NORMAL, flags: UE | PE });
  });

  test("the reserved precision control works as 64 bits", () => {
    const wide = register(0x3fff, 0x8000_0000_0000_0001n);
    expect(fadd(wide, register(0, 0n), 0x017f)).toMatchObject({ value: wide, flags: 0 });
  });

  test("precision control cuts results, not operands", () => {
    const wide = register(0x3fff, 0x8000_0000_0000_0001n);
    expect(fadd(wide, register(0, 0n), 0x007f)).toMatchObject({ value: ONE, flags: PE });
    expect(fadd(wide, register(0, 0n), 0x027f)).toMatchObject({ value: ONE, flags: PE });
    expect(fadd(wide, register(0, 0n), 0x037f)).toMatchObject({ value: wide, flags: 0 });
  });

  test("constants follow rounding control but not precision control", () => {
    const pi = 0xc90f_daa2_2168_c234n;
    expect(x87.fldConstant("FLDPI", 0x037f).significand).toBe(pi + 1n);
    expect(x87.fldConstant("FLDPI", 0x007f | DOWN).significand).toBe(pi);
    expect(x87.fldConstant("FLDL2T", 0x037f).significand).toBe(0xd49a_784b_cd1b_8afen);
    expect(x87.fldConstant("FLDL2T", 0x037f | UP).significand).toBe(0xd49a_784b_cd1b_8affn);
    expect(x87.fldConstant("FLDZ", 0x037f)).toEqual(register(0, 0n));
    expect(x87.fldConstant("FLD1", 0x037f)).toEqual(ONE);
  });
});

describe("FPREM", () => {
  const fprem = (a: bigint, b: bigint) =>
    x87.fprem(F80.unpack(x87.fild(a)), F80.unpack(x87.fild(b)), MASKED);
  test.each([
    [7n, 4n, 3n, x87.C1],
    [-7n, 4n, -3n, x87.C1],
    [20n, 3n, 2n, x87.C0 | x87.C3],
    [3n, 5n, 3n, 0],
  ])("%d by %d leaves %d", (a, b, rest, condition) => {
    expect(fprem(a, b)).toMatchObject({ value: x87.fild(rest), condition, flags: 0 });
  });

  test.each([
    [3n, 4n, -1n, x87.C1],
    [2n, 4n, 2n, 0],
    [6n, 4n, -2n, x87.C3],
    [-3n, 4n, 1n, x87.C1],
    [1n, 4n, 1n, 0],
  ])("FPREM1: %d by %d leaves %d", (a, b, rest, condition) => {
    const [x, y] = [F80.unpack(x87.fild(a)), F80.unpack(x87.fild(b))];
    expect(x87.fprem1(x, y, MASKED)).toMatchObject({ value: x87.fild(rest), condition, flags: 0 });
  });

  test("an exponent difference of 63 is done in one step", () => {
    const step = x87.fprem(F80.unpack(register(0x3fff + 63, 1n << 63n)), F80.unpack(ONE), MASKED);
    expect(step.condition & x87.C2).toBe(0);
  });

  test("an exponent difference of 64 or more is reduced by 32 to 63 at a time", () => {
    const large = register(0x3fff + 100, (1n << 63n) | 5n);
    const three = F80.unpack(x87.fild(3n));
    const step = x87.fprem(F80.unpack(large), three, MASKED);
    expect(step.condition).toBe(x87.C2);
    const reduced = F80.unpack(large).exponent - F80.unpack(step.value).exponent;
    expect(reduced).toBeGreaterThanOrEqual(32);
  });
});

describe("reciprocal approximations", () => {
  test.each([
    ["+0", 0, 0x7f80_0000, 0x7f80_0000],
    ["-0", 0x8000_0000, 0xff80_0000, 0xff80_0000],
    ["a denormal", 1, 0x7f80_0000, 0x7f80_0000],
    ["infinity", 0x7f80_0000, 0, 0],
    ["a negative number", 0xbf80_0000, 0xbf80_0000, 0xffc0_0000],
    ["SNaN", 0x7f80_0001, 0x7fc0_0001, 0x7fc0_0001],
    ["four", 0x4080_0000, 0x3e80_0000, 0x3f00_0000],
    ["three, at 12 bits", 0x4040_0000, 0x3eaa_b000, 0x3f13_d000],
    ["a denormal reciprocal", 0x7f40_0000, 0, 0x1f93_d000],
  ])("%s", (_name, source, reciprocal, root) => {
    expect(sse.reciprocal(source)).toBe(reciprocal);
    expect(sse.reciprocalSquareRoot(source)).toBe(root);
  });
});
