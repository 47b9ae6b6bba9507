/**
 * Checks the floating-point library against test vectors on standard input, one a line: operands in
 * hexadecimal, expected result, expected exception flags (1 inexact, 2 underflow, 4 overflow,
 * 8 divide by zero, 16 invalid), as generators in the manner of testfloat_gen print them.
 *
 * Usage: check-vectors <function> <near_even|minMag|min|max> [32|64|80]
 * <function>: {f32,f64,extF80}_{add,sub,mul,div,sqrt,rem,roundToInt,eq,le,lt,eq_signaling,le_quiet,
 * lt_quiet}, <float>_to_<float>, <float>_to_{i32,i64}, {i32,i64}_to_<float>.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import {
  F32,
  F64,
  F80,
  type FloatFormat,
  fromInteger,
  type Outcome,
  packExact,
  sse,
  x87,
} from "../../src/hw/cpu/softfloat/index.ts";

interface Answer {
  readonly bits: bigint;
  readonly flags: number;
}

/** One float type of the vectors: how it is written, and the operations on it. */
interface FloatType {
  readonly parse: (hex: string) => unknown;
  readonly bits: (value: never) => bigint;
}

const FLOATS: Record<string, FloatType> = {
  f32: { parse: (hex) => Number.parseInt(hex, 16), bits: (value: number) => BigInt(value) },
  f64: { parse: (hex) => BigInt(`0x${hex}`), bits: (value: bigint) => value },
  extF80: {
    parse: (hex): F80 => ({
      signExponent: Number.parseInt(hex.slice(0, 4), 16),
      significand: BigInt(`0x${hex.slice(4)}`),
    }),
    bits: (value: F80) => (BigInt(value.signExponent) << 64n) | value.significand,
  },
};

const ROUNDING: Record<string, number> = { near_even: 0, min: 1, max: 2, minMag: 3 };
const PRECISION: Record<string, number> = { "32": 0, "64": 2, "80": 3 };

/** Flags in the order of the vectors; the denormal flag is not among them. */
function vectorFlags(flags: number): number {
  let out = 0;
  if ((flags & 0x20) !== 0) out |= 1;
  if ((flags & 0x10) !== 0) out |= 2;
  if ((flags & 0x08) !== 0) out |= 4;
  if ((flags & 0x04) !== 0) out |= 8;
  if ((flags & 0x01) !== 0) out |= 16;
  return out;
}

const [name = "", roundingName = "near_even", precisionName = "80"] = process.argv.slice(2);
const rounding = ROUNDING[roundingName] ?? 0;
const controlWord = 0x3f | (rounding << 10) | ((PRECISION[precisionName] ?? 3) << 8);
const mxcsr = 0x1f80 | (rounding << 13);

function answer<V>(type: FloatType, result: Outcome<V>): Answer {
  return { bits: type.bits(result.value as never), flags: vectorFlags(result.flags) };
}

function sseOperation<V>(
  format: FloatFormat<V>,
  operation: string,
  a: V,
  b: V,
): Outcome<V> | undefined {
  switch (operation) {
    case "add":
      return sse.add(format, a, b, mxcsr);
    case "sub":
      return sse.subtract(format, a, b, mxcsr);
    case "mul":
      return sse.multiply(format, a, b, mxcsr);
    case "div":
      return sse.divide(format, a, b, mxcsr);
    case "sqrt":
      return sse.squareRoot(format, a, mxcsr);
    case "roundToInt":
      return sse.round(format, a, 4, mxcsr);
    default:
      return undefined;
  }
}

function x87Operation(operation: string, a: F80, b: F80 | undefined): Outcome<F80> | undefined {
  const x = F80.unpack(a);
  const y = F80.unpack(b ?? a);
  switch (operation) {
    case "add":
      return x87.fadd(x, y, controlWord);
    case "sub":
      return x87.fsub(x, y, controlWord);
    case "mul":
      return x87.fmul(x, y, controlWord);
    case "div":
      return x87.fdiv(x, y, controlWord);
    case "sqrt":
      return x87.fsqrt(x, controlWord);
    case "roundToInt":
      return x87.frndint(x, controlWord);
    case "rem":
      return completeRemainder(a, b ?? a);
    default:
      return undefined;
  }
}

function completeRemainder(a: F80, b: F80): Outcome<F80> {
  const y = F80.unpack(b);
  let result = x87.fprem1(F80.unpack(a), y, controlWord);
  while ((result.condition & x87.C2) !== 0) {
    result = x87.fprem1(F80.unpack(result.value), y, controlWord);
  }
  return result;
}

/** Predicates of the vectors in terms of CMPcc (LT_OS is 1, with bit 4 turning the NaN rule round). */
const SSE_PREDICATE: Record<string, number> = {
  eq: 0,
  lt: 1,
  le: 2,
  eq_signaling: 16,
  lt_quiet: 17,
  le_quiet: 18,
};

function x87Predicate(operation: string, a: F80, b: F80): Answer | undefined {
  const quiet = operation === "eq" || operation.endsWith("_quiet");
  if (SSE_PREDICATE[operation] === undefined) return undefined;
  const compare = quiet ? x87.fucom : x87.fcom;
  const { value, flags } = compare(F80.unpack(a), F80.unpack(b), controlWord);
  const unordered = (value & x87.C2) !== 0;
  const less = (value & x87.C0) !== 0 && !operation.startsWith("eq");
  const equal = (value & x87.C3) !== 0 && !operation.startsWith("lt");
  return { bits: !unordered && (less || equal) ? 1n : 0n, flags: vectorFlags(flags) };
}

function convertToInteger(from: string, a: unknown, width: 32 | 64): Answer {
  const { value, flags } =
    from === "extF80"
      ? x87.fist(a as F80, width, controlWord)
      : from === "f32"
        ? sse.toInteger(F32, a as number, width, false, mxcsr)
        : sse.toInteger(F64, a as bigint, width, false, mxcsr);
  return { bits: BigInt.asUintN(width, value), flags: vectorFlags(flags) };
}

function convertFromInteger(to: string, width: number, hex: string): Answer {
  const value = BigInt.asIntN(width, BigInt(`0x${hex}`));
  const type = FLOATS[to] as FloatType;
  if (to === "f32") return answer(type, sse.fromInteger(F32, value, mxcsr));
  if (to === "f64") return answer(type, sse.fromInteger(F64, value, mxcsr));
  return { bits: type.bits(packExact(F80, fromInteger(value)) as never), flags: 0 };
}

function convertFloat(from: string, to: string, a: unknown): Answer {
  const type = FLOATS[to] as FloatType;
  if (from === "extF80") {
    const format = (to === "f32" ? F32 : F64) as FloatFormat<unknown>;
    return answer(type, x87.fst(format, a as F80, controlWord));
  }
  const source = (from === "f32" ? F32 : F64) as FloatFormat<unknown>;
  if (to === "extF80") return answer(type, x87.fld(source, a, controlWord));
  const target = (to === "f32" ? F32 : F64) as FloatFormat<unknown>;
  return answer(type, sse.convert(source, target, a, mxcsr));
}

function compute(fields: readonly string[]): Answer {
  const [left = "", right = ""] = name.split("_to_");
  const integerFrom = /^i(32|64)$/.exec(left);
  if (integerFrom) return convertFromInteger(right, Number(integerFrom[1]), fields[0] ?? "");
  const typeName = left.split("_")[0] ?? "";
  const type = FLOATS[typeName];
  if (type === undefined) throw new Error(`unknown function ${name}`);
  const a = type.parse(fields[0] ?? "");
  if (right === "i32" || right === "i64")
    return convertToInteger(typeName, a, right === "i32" ? 32 : 64);
  if (right !== "") return convertFloat(typeName, right, a);
  const operation = name.slice(typeName.length + 1);
  const b = fields.length === 4 ? type.parse(fields[1] ?? "") : undefined;
  if (typeName === "extF80") {
    const predicate = x87Predicate(operation, a as F80, (b ?? a) as F80);
    const result = predicate ?? x87Operation(operation, a as F80, b as F80 | undefined);
    if (result === undefined) throw new Error(`unknown function ${name}`);
    return "bits" in result ? result : answer(type, result);
  }
  const format = (typeName === "f32" ? F32 : F64) as FloatFormat<unknown>;
  const code = SSE_PREDICATE[operation];
  if (code !== undefined) {
    const { value, flags } = sse.compare(format, a, b, code, mxcsr);
    return { bits: value ? 1n : 0n, flags: vectorFlags(flags) };
  }
  const result = sseOperation(format, operation, a, b);
  if (result === undefined) throw new Error(`unknown function ${name}`);
  return answer(type, result);
}

let checked = 0;
let differences = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const fields = line.trim().split(/\s+/);
  const expectedBits = BigInt(`0x${fields.at(-2) ?? "0"}`);
  const expectedFlags = Number.parseInt(fields.at(-1) ?? "0", 16);
  const { bits, flags } = compute(fields);
  checked += 1;
  if (bits !== expectedBits || flags !== expectedFlags) {
    differences += 1;
    if (differences <= 10) console.log(`${line}  here ${bits.toString(16)} ${flags.toString(16)}`);
  }
}
console.log(
  `${name} ${roundingName} ${precisionName}: ${checked} vectors, ${differences} differences`,
);
process.exitCode = differences === 0 && checked > 0 ? 0 : 1;
