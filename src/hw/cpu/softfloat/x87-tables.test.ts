/** The tables of SDM Vol. 2 for x87 instructions, cell by cell, with default control (all masked). */

import { describe, expect, test } from "vitest";
import { F64, F80, IE, Kind, type Operand, type Outcome, x87, ZE } from "./index.ts";

const CONTROL = 0x037f;

/** The manual's operand classes. I is a finite number that is an integer, F one that is not. */
const OPERANDS: Readonly<Record<string, Operand>> = {
  "-inf": F80.unpack({ signExponent: 0xffff, significand: 1n << 63n }),
  "-F": F64.unpack(0xc00c_0000_0000_0000n), // -3.5
  "-0": F80.unpack({ signExponent: 0x8000, significand: 0n }),
  "+0": F80.unpack({ signExponent: 0, significand: 0n }),
  "+F": F64.unpack(0x4002_0000_0000_0000n), // 2.25
  "+inf": F80.unpack({ signExponent: 0x7fff, significand: 1n << 63n }),
  NaN: F80.unpack({ signExponent: 0x7fff, significand: 0xc000_0000_0000_0001n }),
};

function named(name: string): Operand {
  const found = OPERANDS[name];
  if (found === undefined) throw new Error(`no operand class ${name}`);
  return found;
}

/** What came out: * invalid operation, ** division by zero with its infinity, else the class. */
function cell({ value, flags }: Outcome<F80>): string {
  if ((flags & IE) !== 0) return "*";
  if ((flags & ZE) !== 0) return "**";
  const { kind, sign } = F80.unpack(value);
  if (kind === Kind.quiet) return "NaN";
  const name = kind === Kind.infinity ? "inf" : kind === Kind.zero ? "0" : "F";
  return (sign === 1 ? "-" : "+") + name;
}

/** A table as the manual prints it: first line the columns, then a row name and its cells. */
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

type Binary = (row: Operand, column: Operand) => Outcome<F80>;

/** [title, operation on row and column, table] */
const BINARY: readonly [string, Binary, string][] = [
  [
    "FADD (row DEST, column SRC)",
    (row, column) => x87.fadd(row, column, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  -inf  -inf  -inf  -inf  -inf  *     NaN
     -F    -inf  -F    -F    -F    -F    +inf  NaN
     -0    -inf  -F    -0    +0    +F    +inf  NaN
     +0    -inf  -F    +0    +0    +F    +inf  NaN
     +F    -inf  -F    +F    +F    +F    +inf  NaN
     +inf  *     +inf  +inf  +inf  +inf  +inf  NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FSUB (row DEST, column SRC)",
    (row, column) => x87.fsub(row, column, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  *     -inf  -inf  -inf  -inf  -inf  NaN
     -F    +inf  +0    -F    -F    -F    -inf  NaN
     -0    +inf  +F    +0    -0    -F    -inf  NaN
     +0    +inf  +F    +0    +0    -F    -inf  NaN
     +F    +inf  +F    +F    +F    +0    -inf  NaN
     +inf  +inf  +inf  +inf  +inf  +inf  *     NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FMUL (row SRC, column DEST)",
    (row, column) => x87.fmul(column, row, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  +inf  +inf  *     *     -inf  -inf  NaN
     -F    +inf  +F    +0    -0    -F    -inf  NaN
     -0    *     +0    +0    -0    -0    *     NaN
     +0    *     -0    -0    +0    +0    *     NaN
     +F    -inf  -F    -0    +0    +F    +inf  NaN
     +inf  -inf  -inf  *     *     +inf  +inf  NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FDIV (row SRC, column DEST)",
    (row, column) => x87.fdiv(column, row, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  *     +0    +0    -0    -0    *     NaN
     -F    +inf  +F    +0    -0    -F    -inf  NaN
     -0    +inf  **    *     *     **    -inf  NaN
     +0    -inf  **    *     *     **    +inf  NaN
     +F    -inf  -F    -0    +0    +F    +inf  NaN
     +inf  *     -0    -0    +0    +0    *     NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FPREM (row ST(0), column ST(1))",
    (row, column) => x87.fprem(row, column, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  *     *     *     *     *     *     NaN
     -F    -F    -0    *     *     -F    -F    NaN
     -0    -0    -0    *     *     -0    -0    NaN
     +0    +0    +0    *     *     +0    +0    NaN
     +F    +F    +F    *     *     +0    +F    NaN
     +inf  *     *     *     *     *     *     NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FPREM1 (row ST(0), column ST(1))",
    (row, column) => x87.fprem1(row, column, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  *     *     *     *     *     *     NaN
     -F    -F    -0    *     *     +F    -F    NaN
     -0    -0    -0    *     *     -0    -0    NaN
     +0    +0    +0    *     *     +0    +0    NaN
     +F    +F    -F    *     *     +0    +F    NaN
     +inf  *     *     *     *     *     *     NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
  [
    "FSCALE (row ST(0), column ST(1))",
    (row, column) => x87.fscale(row, column, CONTROL),
    `      -inf  -F    -0    +0    +F    +inf  NaN
     -inf  *     -inf  -inf  -inf  -inf  -inf  NaN
     -F    -0    -F    -F    -F    -F    -inf  NaN
     -0    -0    -0    -0    -0    -0    *     NaN
     +0    +0    +0    +0    +0    +0    *     NaN
     +F    +0    +F    +F    +F    +F    +inf  NaN
     +inf  *     +inf  +inf  +inf  +inf  +inf  NaN
     NaN   NaN   NaN   NaN   NaN   NaN   NaN   NaN`,
  ],
];

describe.each(BINARY)("%s", (_title, operation, table) => {
  test.each(cellsOf(table))("$row, $column: $expected", ({ row, column, expected }) => {
    const x = named(row);
    const y = named(column);
    expect(cell(operation(x, y))).toBe(expected);
  });
});

describe("FSQRT", () => {
  test.each([
    ["-inf", "*"],
    ["-F", "*"],
    ["-0", "-0"],
    ["+0", "+0"],
    ["+F", "+F"],
    ["+inf", "+inf"],
    ["NaN", "NaN"],
  ])("%s: %s", (source, expected) => {
    expect(cell(x87.fsqrt(named(source), CONTROL))).toBe(expected);
  });
});

describe("FXTRACT", () => {
  test.each([
    ["-inf", "-inf", "+inf"],
    ["-F", "-F", "+F"],
    ["-0", "-0", "-inf"],
    ["+0", "+0", "-inf"],
    ["+inf", "+inf", "+inf"],
    ["NaN", "NaN", "NaN"],
  ])("%s: significand %s, exponent %s", (source, significand, exponent) => {
    const result = x87.fxtract(named(source), CONTROL);
    expect(cell({ ...result, flags: 0 })).toBe(significand);
    expect(cell({ ...result, flags: 0, value: result.exponent })).toBe(exponent);
    expect(result.flags).toBe(source.endsWith("0") ? ZE : 0);
  });

  test("a denormal has its true exponent", () => {
    const { value, exponent } = x87.fxtract(
      F80.unpack({ signExponent: 0, significand: 1n }),
      CONTROL,
    );
    expect(value).toEqual({ signExponent: 0x3fff, significand: 1n << 63n });
    expect(x87.fist(exponent, 32, CONTROL).value).toBe(-16445n);
  });
});

const ORDER = ["-inf", "-F", "-0", "+F", "+inf"];

describe("FCOM and FUCOM", () => {
  const pairs = ORDER.flatMap((a, i) => ORDER.map((b, j) => ({ a, b, i, j })));
  test.each(pairs)("$a against $b", ({ a, b, i, j }) => {
    const expected = i > j ? 0 : i < j ? x87.C0 : x87.C3;
    const x = named(a);
    const y = named(b);
    expect(x87.fcom(x, y, CONTROL).value).toBe(expected);
    expect(x87.fucom(x, y, CONTROL).value).toBe(expected);
    expect(x87.fcomi(x, y, CONTROL).value).toBe(i > j ? 0 : i < j ? 1 : 0x40);
  });

  test("zeros of both signs are equal", () => {
    const { value } = x87.fcom(named("-0"), named("+0"), CONTROL);
    expect(value).toBe(x87.C3);
  });

  test("a quiet NaN is unordered, and invalid to FCOM only", () => {
    const nan = named("NaN");
    const one = named("+F");
    const unordered = x87.C3 | x87.C2 | x87.C0;
    expect(x87.fcom(nan, one, CONTROL)).toMatchObject({ value: unordered, flags: IE });
    expect(x87.fucom(nan, one, CONTROL)).toMatchObject({ value: unordered, flags: 0 });
    expect(x87.fcom(nan, one, CONTROL & ~IE).stored).toBe(false);
  });
});

describe("FXAM", () => {
  const CLASSES: readonly [string, F80, number][] = [
    ["unnormal", { signExponent: 0x3fff, significand: 1n }, 0],
    ["pseudo-NaN", { signExponent: 0x7fff, significand: 1n }, 0],
    ["pseudo-infinity", { signExponent: 0x7fff, significand: 0n }, 0],
    ["quiet NaN", { signExponent: 0x7fff, significand: 3n << 62n }, x87.C0],
    ["signaling NaN", { signExponent: 0x7fff, significand: (2n << 62n) | 1n }, x87.C0],
    ["normal", { signExponent: 0x3fff, significand: 1n << 63n }, x87.C2],
    ["infinity", { signExponent: 0x7fff, significand: 1n << 63n }, x87.C2 | x87.C0],
    ["zero", { signExponent: 0, significand: 0n }, x87.C3],
    ["denormal", { signExponent: 0, significand: 1n }, x87.C3 | x87.C2],
    ["pseudo-denormal", { signExponent: 0, significand: 1n << 63n }, x87.C3 | x87.C2],
  ];
  test.each(CLASSES)("%s", (_name, value, expected) => {
    expect(x87.fxam(value)).toBe(expected);
    const negative = { ...value, signExponent: value.signExponent | 0x8000 };
    expect(x87.fxam(negative)).toBe(expected | x87.C1);
    expect(x87.fxam(negative, true)).toBe(x87.C3 | x87.C0 | x87.C1);
  });
});
