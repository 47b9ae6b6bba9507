/**
 * Replays SSE instructions that a processor has executed and says where the library differs.
 *
 * A record is one line: mnemonic, MXCSR, first operand (XMM0), second operand (XMM1), general
 * register, then what the processor left: MXCSR flags, 1 when #XM was raised, XMM0, RAX, arithmetic
 * bits of RFLAGS; all in hexadecimal, XMM as 32 digits. Mnemonics carry an immediate operand
 * (cmpss_3, roundsd_12) and the width of a general register (cvtss2si32). RAX was all digits c and
 * RFLAGS clear before.
 */

import { F32, F64, type FloatFormat, type Outcome, sse } from "../../src/hw/cpu/softfloat/index.ts";

interface Before {
  readonly mxcsr: number;
  readonly a: bigint;
  readonly b: bigint;
  readonly gpr: bigint;
}

interface Prediction {
  readonly flags: number;
  readonly raises: boolean;
  readonly xmm0: bigint;
  readonly rax: bigint;
  readonly rflags?: number;
  /** The processor may give another value near by in the low element. */
  readonly approximate?: boolean;
}

const RAX_BEFORE = 0xcccc_cccc_cccc_ccccn;

/** How an element of a format lies in a register. */
interface Lane<V> {
  readonly format: FloatFormat<V>;
  readonly bits: number;
  readonly read: (bits: bigint) => V;
  readonly write: (value: V) => bigint;
}

const SINGLE: Lane<number> = {
  format: F32,
  bits: 32,
  read: (bits) => Number(BigInt.asUintN(32, bits)),
  write: BigInt,
};
const DOUBLE: Lane<bigint> = {
  format: F64,
  bits: 64,
  read: (bits) => BigInt.asUintN(64, bits),
  write: (value) => value,
};

function withLow(register: bigint, bits: number, value: bigint): bigint {
  return ((register >> BigInt(bits)) << BigInt(bits)) | BigInt.asUintN(bits, value);
}

function prediction(before: Before, elements: readonly Outcome<unknown>[]): Prediction {
  const { flags, raises } = sse.combineFlags(elements, before.mxcsr);
  return { flags, raises, xmm0: before.a, rax: RAX_BEFORE };
}

type Operation = <V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number) => Outcome<V>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: sse.add,
  sub: sse.subtract,
  mul: sse.multiply,
  div: sse.divide,
  min: sse.minimum,
  max: sse.maximum,
  sqrt: (format, _a, b, mxcsr) => sse.squareRoot(format, b, mxcsr),
};

/** The same operation on `count` elements. */
function elementwise<V>(
  lane: Lane<V>,
  operation: Operation,
  count: number,
  before: Before,
): Prediction {
  const elements: Outcome<V>[] = [];
  let xmm0 = before.a;
  for (let index = 0; index < count; index += 1) {
    const shift = BigInt(index * lane.bits);
    const a = lane.read(before.a >> shift);
    const b = lane.read(before.b >> shift);
    const result = operation(lane.format, a, b, before.mxcsr);
    elements.push(result);
    const mask = ((1n << BigInt(lane.bits)) - 1n) << shift;
    xmm0 = (xmm0 & ~mask) | (lane.write(result.value) << shift);
  }
  const common = prediction(before, elements);
  return common.raises ? common : { ...common, xmm0 };
}

function scalarOnly<V>(lane: Lane<V>, name: string, before: Before): Prediction | undefined {
  const a = lane.read(before.a);
  const b = lane.read(before.b);
  const compare = /^cmps[sd]_(\d+)$/.exec(name);
  if (compare) {
    const result = sse.compare(lane.format, a, b, Number(compare[1]), before.mxcsr);
    const xmm0 = withLow(before.a, lane.bits, result.value ? -1n : 0n);
    return { ...prediction(before, [result]), ...(result.stored ? { xmm0 } : {}) };
  }
  const comis = /^(u?)comis[sd]$/.exec(name);
  if (comis) {
    const operation = comis[1] === "u" ? sse.ucomis : sse.comis;
    const result = operation(lane.format, a, b, before.mxcsr);
    return { ...prediction(before, [result]), rflags: result.stored ? result.value : 0 };
  }
  const round = /^rounds[sd]_(\d+)$/.exec(name);
  if (round) {
    const result = sse.round(lane.format, b, Number(round[1]), before.mxcsr);
    const xmm0 = withLow(before.a, lane.bits, lane.write(result.value));
    return { ...prediction(before, [result]), ...(result.stored ? { xmm0 } : {}) };
  }
  return undefined;
}

function toGeneral<V>(lane: Lane<V>, name: string, before: Before): Prediction | undefined {
  const form = /^cvt(t?)s[sd]2si(32|64)$/.exec(name);
  if (!form) return undefined;
  const width = form[2] === "32" ? 32 : 64;
  const b = lane.read(before.b);
  const result = sse.toInteger(lane.format, b, width, form[1] === "t", before.mxcsr);
  const rax = BigInt.asUintN(width, result.value);
  return { ...prediction(before, [result]), ...(result.stored ? { rax } : {}) };
}

function fromGeneral<V>(lane: Lane<V>, name: string, before: Before): Prediction | undefined {
  const form = /^cvtsi2s[sd](32|64)$/.exec(name);
  if (!form) return undefined;
  const value = BigInt.asIntN(Number(form[1]), before.gpr);
  const result = sse.fromInteger(lane.format, value, before.mxcsr);
  const xmm0 = withLow(before.a, lane.bits, lane.write(result.value));
  return { ...prediction(before, [result]), ...(result.stored ? { xmm0 } : {}) };
}

function betweenFloats<From, To>(from: Lane<From>, to: Lane<To>, before: Before): Prediction {
  const result = sse.convert(from.format, to.format, from.read(before.b), before.mxcsr);
  const xmm0 = withLow(before.a, to.bits, to.write(result.value));
  return { ...prediction(before, [result]), ...(result.stored ? { xmm0 } : {}) };
}

function inLane<V>(lane: Lane<V>, name: string, before: Before): Prediction | undefined {
  const arithmetic = /^(add|sub|mul|div|min|max|sqrt)([ps])[sd]$/.exec(name);
  const operation = OPERATIONS[arithmetic?.[1] ?? ""];
  if (operation !== undefined) {
    return elementwise(lane, operation, arithmetic?.[2] === "p" ? 128 / lane.bits : 1, before);
  }
  return (
    scalarOnly(lane, name, before) ??
    toGeneral(lane, name, before) ??
    fromGeneral(lane, name, before)
  );
}

function approximation(operation: (a: number) => number, before: Before): Prediction {
  const value = operation(SINGLE.read(before.b));
  const xmm0 = withLow(before.a, 32, BigInt(value));
  return { ...prediction(before, []), xmm0, approximate: true };
}

function exponentField(bits: bigint): number {
  return Number((bits >> 23n) & 0xffn);
}

/**
 * Two answers with a relative error of at most 1.5 * 2**-12 each lie within 3 * 2**-12 of each other,
 * so less than 3 * 2**(24 - 12) units of the last place apart. NaN and infinity are exact; between
 * zero and the smallest normal number the manual leaves the choice to the processor.
 */
function near(a: bigint, b: bigint): boolean {
  if (a === b) return true;
  const low = Math.min(exponentField(a), exponentField(b));
  const high = Math.max(exponentField(a), exponentField(b));
  if (high === 0xff) return false;
  if (low === 0) return high === 1;
  const distance = a > b ? a - b : b - a;
  return distance < 3n << 12n;
}

function predict(name: string, before: Before): Prediction | undefined {
  if (name === "cvtss2sd") return betweenFloats(SINGLE, DOUBLE, before);
  if (name === "cvtsd2ss") return betweenFloats(DOUBLE, SINGLE, before);
  if (name === "rcpss") return approximation(sse.reciprocal, before);
  if (name === "rsqrtss") return approximation(sse.reciprocalSquareRoot, before);
  return /[ps]d/.test(name) ? inLane(DOUBLE, name, before) : inLane(SINGLE, name, before);
}

/** Differences between a record and the library, in words; none when they agree. */
export function differences(record: string): string[] {
  const fields = record.trim().split(" ");
  const number = (index: number): bigint => BigInt(`0x${fields[index] ?? ""}`);
  const name = fields[0] ?? "";
  const before = { mxcsr: Number(number(1)), a: number(2), b: number(3), gpr: number(4) };
  const predicted = predict(name, before);
  if (predicted === undefined) return [`unknown mnemonic ${name}`];
  const found: string[] = [];
  if (BigInt(predicted.flags) !== number(5)) found.push(`flags ${predicted.flags.toString(16)}`);
  if (predicted.raises !== (number(6) === 1n)) found.push(`raises ${String(predicted.raises)}`);
  const xmm0Agrees = predicted.approximate
    ? near(predicted.xmm0, number(7))
    : predicted.xmm0 === number(7);
  if (!xmm0Agrees) found.push(`xmm0 ${predicted.xmm0.toString(16).padStart(32, "0")}`);
  if (predicted.rax !== number(8)) found.push(`rax ${predicted.rax.toString(16)}`);
  if (predicted.rflags !== undefined && BigInt(predicted.rflags) !== number(9)) {
    found.push(`rflags ${predicted.rflags.toString(16)}`);
  }
  return found;
}
