/**
 * The floating-point micro-op of SSE and what it computes: elements by softfloat, exceptions of all of them together
 * into MXCSR. SDM Vol. 1, "SSE/SSE2/SSE3 Exceptions", "Programming with Intel Streaming SIMD Extensions".
 */

import { type Fault, VECTORS } from "./fault.ts";
import { F32, F64, type FloatFormat, type Outcome, sse } from "./softfloat/index.ts";
import type { CpuState } from "./state.ts";

export type FloatFormatName = "f32" | "f64";

/**
 * `addSub` subtracts in even elements and adds in odd ones. `compare` gives all ones or zeros by the predicate in
 * `control`, `round` goes by the immediate there. `compareOrdered` (COMISS) and `compareUnordered` (UCOMISS) give ZF,
 * PF and CF at their places in RFLAGS. `toInteger` and `truncate` give integers, of 32 bits when packed;
 * `fromInteger` takes them, in a scalar of 64 bits when not packed. `convert` is from `format` to the other one.
 */
export const FLOAT_FUNCTIONS = [
  "add",
  "sub",
  "mul",
  "div",
  "min",
  "max",
  "sqrt",
  "addSub",
  "compare",
  "round",
  "reciprocal",
  "reciprocalRoot",
  "compareOrdered",
  "compareUnordered",
  "toInteger",
  "truncate",
  "fromInteger",
  "convert",
] as const;
export type FloatFunction = (typeof FLOAT_FUNCTIONS)[number];

export interface FloatSpec {
  readonly fn: FloatFunction;
  /** Of what is computed with; of the result for `fromInteger`. */
  readonly format: FloatFormatName;
  readonly packed: boolean;
  /** Bits of the result. */
  readonly width: 8 | 32 | 64 | 128;
}

/**
 * Raises #XM, or #UD without CR4.OSXMMEXCPT, after it has put flags into MXCSR. Functions of one operand take `b`;
 * what a scalar function does not write comes from `a`.
 */
export interface FloatMicroOp extends FloatSpec {
  readonly op: "float";
  readonly a: number;
  readonly b: number;
  /** An immediate of 8 bits. */
  readonly control: number | null;
}

/** A format with its elements as bits. */
interface Elements<V> {
  readonly format: FloatFormat<V>;
  readonly bits: 32 | 64;
  readonly take: (bits: bigint) => V;
  readonly give: (value: V) => bigint;
}

const SINGLES: Elements<number> = {
  format: F32,
  bits: 32,
  take: (bits) => Number(BigInt.asUintN(32, bits)),
  give: (value) => BigInt(value >>> 0),
};
const DOUBLES: Elements<bigint> = {
  format: F64,
  bits: 64,
  take: (bits) => BigInt.asUintN(64, bits),
  give: (value) => value,
};

/** An element of the result as bits. */
type BitsOutcome = Outcome<bigint>;

/** The elements that an operation makes, and how wide they are. */
interface Made {
  readonly elements: readonly BitsOutcome[];
  readonly bits: number;
}

export interface FloatResult {
  readonly value: bigint;
  /** MXCSR afterwards. */
  readonly mxcsr: number;
  /** An exception that is not masked: the value is not to be used. */
  readonly raises: boolean;
}

export function float(
  spec: FloatSpec,
  a: bigint,
  b: bigint,
  control: number,
  mxcsr: number,
): FloatResult {
  const made =
    spec.format === "f32"
      ? make(SINGLES, DOUBLES, spec, a, b, control, mxcsr)
      : make(DOUBLES, SINGLES, spec, a, b, control, mxcsr);
  const { flags, raises } = sse.combineFlags(made.elements, mxcsr);
  let value = spec.packed || spec.width !== 128 ? 0n : a;
  made.elements.forEach((element, i) => {
    const at = BigInt(made.bits * i);
    const mask = ((1n << BigInt(made.bits)) - 1n) << at;
    value = (value & ~mask) | (element.value << at);
  });
  return { value, mxcsr: mxcsr | flags, raises };
}

/** What the CPU's state gets of an operation, and the fault. */
export function settle(state: CpuState, { mxcsr, raises }: FloatResult): Fault | null {
  state.mxcsr = mxcsr;
  if (!raises) return null;
  const reports = (state.control("CR4") & CR4_OSXMMEXCPT) !== 0n;
  return { vector: VECTORS[reports ? "#XM" : "#UD"], errorCode: null, address: null };
}

const CR4_OSXMMEXCPT = 1n << 10n;

const map = <A>(from: Outcome<A>, to: (value: A) => bigint): BitsOutcome => ({
  ...from,
  value: to(from.value),
});

const exact = (value: bigint): BitsOutcome => ({ value, flags: 0, roundedUp: false, stored: true });

function make<V, W>(
  own: Elements<V>,
  other: Elements<W>,
  { fn, packed, width }: FloatSpec,
  a: bigint,
  b: bigint,
  control: number,
  mxcsr: number,
): Made {
  const element = (of: bigint, i: number, bits: number): bigint =>
    BigInt.asUintN(bits, of >> BigInt(bits * i));
  const each = (count: number, of: (i: number) => BitsOutcome): readonly BitsOutcome[] =>
    Array.from({ length: packed ? count : 1 }, (_, i) => of(i));
  const second = (i: number): V => own.take(element(b, i, own.bits));
  const count = 128 / own.bits;
  switch (fn) {
    case "toInteger":
    case "truncate": {
      const bits = packed ? 32 : (width as 32 | 64);
      const convert = (i: number): BitsOutcome =>
        map(sse.toInteger(own.format, second(i), bits, fn === "truncate", mxcsr), (value) =>
          BigInt.asUintN(bits, value),
        );
      return { elements: each(count, convert), bits };
    }
    case "fromInteger": {
      const bits = packed ? 32 : 64;
      const convert = (i: number): BitsOutcome =>
        map(sse.fromInteger(own.format, BigInt.asIntN(bits, element(b, i, bits)), mxcsr), own.give);
      return { elements: each(count, convert), bits: own.bits };
    }
    case "convert":
      return {
        elements: each(2, (i) =>
          map(sse.convert(own.format, other.format, second(i), mxcsr), other.give),
        ),
        bits: other.bits,
      };
    case "compareOrdered":
    case "compareUnordered": {
      const compare = fn === "compareOrdered" ? sse.comis : sse.ucomis;
      const first = own.take(element(a, 0, own.bits));
      return { elements: [map(compare(own.format, first, second(0), mxcsr), BigInt)], bits: 8 };
    }
    default:
      return {
        elements: each(count, (i) =>
          elementwise(fn, own, own.take(element(a, i, own.bits)), second(i), i, control, mxcsr),
        ),
        bits: own.bits,
      };
  }
}

function elementwise<V>(
  fn: FloatFunction,
  { format, bits, give }: Elements<V>,
  a: V,
  b: V,
  index: number,
  control: number,
  mxcsr: number,
): BitsOutcome {
  switch (fn) {
    case "add":
      return map(sse.add(format, a, b, mxcsr), give);
    case "sub":
      return map(sse.subtract(format, a, b, mxcsr), give);
    case "mul":
      return map(sse.multiply(format, a, b, mxcsr), give);
    case "div":
      return map(sse.divide(format, a, b, mxcsr), give);
    case "min":
      return map(sse.minimum(format, a, b, mxcsr), give);
    case "max":
      return map(sse.maximum(format, a, b, mxcsr), give);
    case "sqrt":
      return map(sse.squareRoot(format, b, mxcsr), give);
    case "addSub":
      return map((index % 2 === 0 ? sse.subtract : sse.add)(format, a, b, mxcsr), give);
    case "compare":
      return map(sse.compare(format, a, b, control & 7, mxcsr), (holds) =>
        holds ? BigInt.asUintN(bits, -1n) : 0n,
      );
    case "round":
      return map(sse.round(format, b, control, mxcsr), give);
    case "reciprocal":
      return exact(BigInt(sse.reciprocal(Number(b)) >>> 0));
    case "reciprocalRoot":
      return exact(BigInt(sse.reciprocalSquareRoot(Number(b)) >>> 0));
    default:
      throw new RangeError(`${fn} is not computed element by element`);
  }
}
