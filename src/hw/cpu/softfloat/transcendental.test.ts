/** F2XM1, FYL2X, FYL2XP1, FSIN, FCOS, FSINCOS, FPTAN, FPATAN: the manual's tables, known digits, laws. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DE, F64, F80, IE, Kind, type Operand, type Outcome, PE, UE, x87, ZE } from "./index.ts";

const CONTROL = 0x037f;
const UP = 0x800;
const DOWN = 0x400;

function register(signExponent: number, significand: bigint): F80 {
  return { signExponent, significand };
}

const ONE = register(0x3fff, 1n << 63n);
const HALF = register(0x3ffe, 1n << 63n);

const OPERANDS: Readonly<Record<string, Operand>> = {
  "-inf": F80.unpack(register(0xffff, 1n << 63n)),
  "-F": F64.unpack(0xc002_0000_0000_0000n), // -2.25
  "-f": F64.unpack(0xbfd0_0000_0000_0000n), // -0.25
  "-0": F80.unpack(register(0x8000, 0n)),
  "+0": F80.unpack(register(0, 0n)),
  "+f": F64.unpack(0x3fd0_0000_0000_0000n), // 0.25
  "+1": F80.unpack(ONE),
  "+F": F64.unpack(0x4002_0000_0000_0000n), // 2.25
  "+inf": F80.unpack(register(0x7fff, 1n << 63n)),
  NaN: F80.unpack(register(0x7fff, 0xc000_0000_0000_0001n)),
};

function named(name: string): Operand {
  const found = OPERANDS[name];
  if (found === undefined) throw new Error(`no operand class ${name}`);
  return found;
}

/** * invalid operation, ** division by zero with its infinity, else the class of the result. */
function cell({ value, flags }: Outcome<F80>): string {
  if ((flags & IE) !== 0) return "*";
  const { kind, sign } = F80.unpack(value);
  if (kind === Kind.quiet) return "NaN";
  const name = kind === Kind.infinity ? "inf" : kind === Kind.zero ? "0" : "F";
  return (sign === 1 ? "-" : "+") + name + ((flags & ZE) !== 0 ? "**" : "");
}

function cellsOf(table: string): { row: string; column: string; expected: string }[] {
  const lines = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const [columns = [], ...rows] = lines;
  return rows.flatMap(([row = "", ...cells]) =>
    cells.map((expected, index) => ({ row, column: columns[index] ?? "", expected })),
  );
}

describe("FYL2X (row ST(1), column ST(0))", () => {
  const TABLE = `
           -inf  -F  -0      +0      +f    +1   +F    +inf  NaN
     -inf  *     *   +inf    +inf    +inf  *    -inf  -inf  NaN
     -F    *     *   +inf**  +inf**  +F    -0   -F    -inf  NaN
     -0    *     *   *       *       +0    -0   -0    *     NaN
     +0    *     *   *       *       -0    +0   +0    *     NaN
     +F    *     *   -inf**  -inf**  -F    +0   +F    +inf  NaN
     +inf  *     *   -inf    -inf    -inf  *    +inf  +inf  NaN
     NaN   NaN   NaN NaN     NaN     NaN   NaN  NaN   NaN   NaN`;
  test.each(cellsOf(TABLE))("$row, $column: $expected", ({ row, column, expected }) => {
    expect(cell(x87.fyl2x(named(column), named(row), CONTROL))).toBe(expected);
  });
});

describe("FYL2XP1 (row ST(1), column ST(0))", () => {
  const TABLE = `
           -f    -0   +0   +f    NaN
     -inf  +inf  *    *    -inf  NaN
     -F    +F    +0   -0   -F    NaN
     -0    +0    +0   -0   -0    NaN
     +0    -0    -0   +0   +0    NaN
     +F    -F    -0   +0   +F    NaN
     +inf  -inf  *    *    +inf  NaN
     NaN   NaN   NaN  NaN  NaN   NaN`;
  test.each(cellsOf(TABLE))("$row, $column: $expected", ({ row, column, expected }) => {
    expect(cell(x87.fyl2xp1(named(column), named(row), CONTROL))).toBe(expected);
  });
});

/** Significands of pi/4, pi/2, 3pi/4 and pi to nearest, by exponent. */
const PI_SIGNIFICAND = 0xc90f_daa2_2168_c235n;
const THREE_PI_SIGNIFICAND = 0x96cb_e3f9_990e_91a8n;
const ANGLES: Readonly<Record<string, F80>> = {
  "pi/4": register(0x3ffe, PI_SIGNIFICAND),
  "pi/2": register(0x3fff, PI_SIGNIFICAND),
  "3pi/4": register(0x4000, THREE_PI_SIGNIFICAND),
  pi: register(0x4000, PI_SIGNIFICAND),
  "0": register(0, 0n),
};

describe("FPATAN (row ST(1), column ST(0)), exact angles", () => {
  const TABLE = `
           -inf    -F     -0     +0     +F     +inf
     -inf  -3pi/4  -pi/2  -pi/2  -pi/2  -pi/2  -pi/4
     -F    -pi     -3pi/4 -pi/2  -pi/2  -pi/4  -0
     -0    -pi     -pi    -pi    -0     -0     -0
     +0    +pi     +pi    +pi    +0     +0     +0
     +F    +pi     +3pi/4 +pi/2  +pi/2  +pi/4  +0
     +inf  +3pi/4  +pi/2  +pi/2  +pi/2  +pi/2  +pi/4`;
  test.each(cellsOf(TABLE))("$row, $column: $expected", ({ row, column, expected }) => {
    const { value, flags } = x87.fpatan(named(column), named(row), CONTROL);
    const magnitude = ANGLES[expected.slice(1)];
    const sign = expected.startsWith("-") ? 0x8000 : 0;
    expect(value).toEqual({ ...magnitude, signExponent: (magnitude?.signExponent ?? 0) | sign });
    expect(flags).toBe(expected.endsWith("0") ? 0 : PE);
  });

  test("a NaN", () => {
    expect(cell(x87.fpatan(named("NaN"), named("+F"), CONTROL))).toBe("NaN");
    expect(cell(x87.fpatan(named("+F"), named("NaN"), CONTROL))).toBe("NaN");
  });
});

describe("FSIN, FCOS, FPTAN and FSINCOS", () => {
  test.each([
    ["-inf", "*", "*", "*"],
    ["-0", "-0", "+F", "-0"],
    ["+0", "+0", "+F", "+0"],
    ["+f", "+F", "+F", "+F"],
    ["-f", "-F", "+F", "-F"],
    ["+F", "+F", "-F", "-F"],
    ["-F", "-F", "-F", "+F"],
    ["+inf", "*", "*", "*"],
    ["NaN", "NaN", "NaN", "NaN"],
  ])("%s: %s, %s, %s", (source, sine, cosine, tangent) => {
    const seen = [x87.fsin, x87.fcos, x87.fptan].map((operation) => {
      const result = operation(named(source), CONTROL);
      return result === "out of range" ? result : cell(result);
    });
    expect(seen).toEqual([sine, cosine, tangent]);
  });

  test("the cosine of zero is 1 exactly", () => {
    expect(x87.fcos(named("-0"), CONTROL)).toMatchObject({ value: ONE, flags: 0 });
  });

  test("from 2**63 on the source is out of range", () => {
    const limit = F80.unpack(register(0x403e, 1n << 63n));
    const below = F80.unpack(register(0xc03d, 2n ** 64n - 1n));
    for (const operation of [x87.fsin, x87.fcos, x87.fptan, x87.fsincos]) {
      expect(operation(limit, CONTROL)).toBe("out of range");
      expect(operation(below, CONTROL)).not.toBe("out of range");
    }
  });

  test("what is left near pi tells the length of the unit's pi", () => {
    const near = F80.unpack(register(0x4000, PI_SIGNIFICAND));
    expect(x87.fsin(near, CONTROL)).toMatchObject({ value: register(0xbfbf, 1n << 63n) });
    expect(x87.fsin(near, CONTROL, x87.EXACT_PI)).toMatchObject({
      value: register(0xbfbe, 0xece6_75d1_fc8f_8cbbn),
    });
  });

  test.each([-34, -40, -52, -60, -104, -105, -200])(
    "2**%d is nearly its own sine, tangent and arc tangent",
    (exponent) => {
      const x = register(0x3fff + exponent, 1n << 63n);
      const below = register(x.signExponent - 1, 2n ** 64n - 1n);
      const above = register(x.signExponent, (1n << 63n) | 1n);
      const [source, one] = [F80.unpack(x), F80.unpack(ONE)];
      expect(x87.fsin(source, CONTROL | DOWN)).toMatchObject({ value: below });
      expect(x87.fsin(source, CONTROL | UP)).toMatchObject({ value: x });
      expect(x87.fptan(source, CONTROL | DOWN)).toMatchObject({ value: x });
      expect(x87.fptan(source, CONTROL | UP)).toMatchObject({ value: above });
      expect(x87.fpatan(one, source, CONTROL | DOWN)).toMatchObject({ value: below });
      expect(x87.fpatan(one, source, CONTROL | UP)).toMatchObject({ value: x });
      const largestBelowOne = register(0x3ffe, 2n ** 64n - 1n);
      expect(x87.fcos(source, CONTROL | DOWN)).toMatchObject({ value: largestBelowOne });
    },
  );

  test("a denormal is its own sine but for rounding, tiny and inexact", () => {
    const denormal = register(0, 0x1234n);
    const sine = (control: number) => x87.fsin(F80.unpack(denormal), control);
    expect(sine(CONTROL)).toMatchObject({ value: denormal, flags: DE | UE | PE });
    expect(sine(CONTROL | DOWN)).toMatchObject({ value: register(0, 0x1233n) });
    expect(x87.fptan(F80.unpack(denormal), CONTROL | UP)).toMatchObject({
      value: register(0, 0x1235n),
    });
  });
});

describe("F2XM1", () => {
  test.each([
    ["-0", "-0"],
    ["+0", "+0"],
    ["-f", "-F"],
    ["+f", "+F"],
    ["NaN", "NaN"],
  ])("%s: %s", (source, expected) => {
    expect(cell(x87.f2xm1(named(source), CONTROL))).toBe(expected);
  });

  test("-1 gives -1/2 and 1 gives 1", () => {
    expect(x87.f2xm1(F80.unpack(ONE), CONTROL).value).toEqual(ONE);
    const minusOne = F80.unpack({ ...ONE, signExponent: 0xbfff });
    expect(x87.f2xm1(minusOne, CONTROL).value).toEqual({ ...HALF, signExponent: 0xbffe });
  });
});

/** Digits of mathematical constants, from tables in hexadecimal. */
describe("known digits", () => {
  const operand = (value: F80) => F80.unpack(value);
  test.each([
    // sqrt(2) - 1 = 0.6A09E667F3BCC908B2FB...
    ["2**(1/2) - 1", x87.f2xm1(operand(HALF), CONTROL), register(0x3ffd, 0xd413_cccf_e779_9211n)],
    // log2(3) = 1.95C01A39FBD6879F...
    [
      "log2 3",
      x87.fyl2x(operand(register(0x4000, 3n << 62n)), operand(ONE), CONTROL),
      register(0x3fff, 0xcae0_0d1c_fdeb_43d0n),
    ],
    // log2(3/2) = 0.95C01A39FBD6879F...
    [
      "log2(1/2 + 1)",
      x87.fyl2xp1(operand(HALF), operand(ONE), CONTROL),
      register(0x3ffe, 0x95c0_1a39_fbd6_87a0n),
    ],
  ])("%s", (_name, { value }, expected) => {
    expect(value).toEqual(expected);
  });
});

describe("laws", () => {
  const RUNS = { numRuns: 300 };
  const anyModerate: fc.Arbitrary<F80> = fc.record({
    signExponent: fc.integer({ min: 0x3fff - 70, max: 0x3fff + 62 }),
    significand: fc.bigInt({ min: 1n << 63n, max: 2n ** 64n - 1n }),
  });
  const inexact = (result: x87.Trigonometric | Outcome<F80>): Outcome<F80> => {
    if (result === "out of range") throw new Error("out of range");
    return result;
  };
  const OPERATIONS: readonly ((x: F80, control: number) => Outcome<F80>)[] = [
    (x, control) => inexact(x87.fsin(F80.unpack(x), control)),
    (x, control) => inexact(x87.fcos(F80.unpack(x), control)),
    (x, control) => inexact(x87.fptan(F80.unpack(x), control)),
    (x, control) => x87.fpatan(F80.unpack(x), F80.unpack(ONE), control),
    (x, control) => x87.fyl2xp1(F80.unpack(x), F80.unpack(ONE), control),
  ];

  test("rounding down and up give neighbours, with nearest among them", () => {
    fc.assert(
      fc.property(anyModerate, fc.constantFrom(...OPERATIONS), (x, operation) => {
        const down = operation(x, CONTROL | DOWN).value;
        const up = operation(x, CONTROL | UP).value;
        const nearest = operation(x, CONTROL).value;
        const place = (value: F80) =>
          (BigInt(value.signExponent & 0x7fff) << 63n) + BigInt.asUintN(63, value.significand);
        const step = place(up) - place(down);
        expect(step === 1n || step === -1n || step === 0n).toBe(true);
        expect([place(down), place(up)]).toContain(place(nearest));
      }),
      RUNS,
    );
  });

  test("FSINCOS gives what FSIN and FCOS give", () => {
    fc.assert(
      fc.property(anyModerate, (x) => {
        const both = x87.fsincos(F80.unpack(x), CONTROL);
        expect(both).toMatchObject({
          value: inexact(x87.fsin(F80.unpack(x), CONTROL)).value,
          cosine: inexact(x87.fcos(F80.unpack(x), CONTROL)).value,
        });
      }),
      RUNS,
    );
  });

  test("the squares of sine and cosine add up to 1", () => {
    fc.assert(
      fc.property(anyModerate, (x) => {
        const square = ({ value }: Outcome<F80>) =>
          x87.fmul(F80.unpack(value), F80.unpack(value), CONTROL).value;
        const sine = square(inexact(x87.fsin(F80.unpack(x), CONTROL)));
        const cosine = square(inexact(x87.fcos(F80.unpack(x), CONTROL)));
        const total = x87.fadd(F80.unpack(sine), F80.unpack(cosine), CONTROL);
        const error = x87.fsub(F80.unpack(total.value), F80.unpack(ONE), CONTROL).value;
        expect(error.signExponent & 0x7fff).toBeLessThanOrEqual(0x3fff - 62);
      }),
      RUNS,
    );
  });

  test("log2 of 2**x is x again, within the rounding of 2**x", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n << 63n, max: 2n ** 64n - 1n }), (significand) => {
        const x = register(0x3ffe, significand);
        const power = x87.f2xm1(F80.unpack(x), CONTROL).value;
        const back = x87.fyl2xp1(F80.unpack(power), F80.unpack(ONE), CONTROL).value;
        const error = x87.fsub(F80.unpack(back), F80.unpack(x), CONTROL).value;
        expect(error.signExponent & 0x7fff).toBeLessThanOrEqual(0x3ffe - 62);
      }),
      RUNS,
    );
  });
});
