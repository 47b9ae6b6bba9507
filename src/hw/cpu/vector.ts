/**
 * Micro-ops on 128-bit values, and what they compute, lane by lane on BigInt: SDM Vol. 1, "Programming with Intel
 * Streaming SIMD Extensions". A vector is an unsigned integer of 128 bits; lane 0 is the lowest.
 */

import type { FloatMicroOp } from "./vector-float.ts";
import type { SegmentChoice } from "./uop.ts";

/** Bits of a lane. */
export type Lane = 8 | 16 | 32 | 64;

/** A vector value: the position in the list of the micro-op that makes it. */
export interface VectorValue {
  readonly id: number;
  readonly width: 128;
}

/** Functions of the lanes of two vectors that give a lane of the same width; those of bits do not care how wide. */
export type LaneBinary =
  | "add"
  | "sub"
  | "addSaturateSigned"
  | "addSaturateUnsigned"
  | "subSaturateSigned"
  | "subSaturateUnsigned"
  | "mul"
  | "mulHighSigned"
  | "mulHighUnsigned"
  /** The product of two fractions: shifted right by 14, and by one more with rounding. */
  | "mulFraction"
  | "minSigned"
  | "minUnsigned"
  | "maxSigned"
  | "maxUnsigned"
  | "average"
  | "eq"
  | "gtSigned"
  /** The first, negated, as it is or zero, by the sign of the second. */
  | "sign"
  | "and"
  | "or"
  | "xor"
  /** Not the first, and the second. */
  | "andNot";

/** Functions of two vectors with lanes of another width in the result; `lane` is that of the operands. */
export type LaneReshaping =
  /** Products, twice as wide, of the lanes with even numbers. */
  | "mulEvenSigned"
  | "mulEvenUnsigned"
  /** Sums, twice as wide, of two neighbouring products. */
  | "mulAddSigned"
  /** The same of unsigned and signed factors, saturated as signed. */
  | "mulAddMixed"
  /** In each half the sum of the absolute differences. */
  | "sumOfDifferences"
  /** The lanes of the first, then those of the second, half as wide, saturated; both read them as signed. */
  | "packSigned"
  | "packUnsigned";

export type LaneShift = "shl" | "shr" | "sar";

/** Functions of one vector. */
export type LaneUnary = "abs" | "extendSigned" | "extendUnsigned";

export type VectorMicroOp =
  | { readonly op: "vectorConst"; readonly width: 128; readonly value: bigint }
  | { readonly op: "readVector"; readonly width: 128; readonly operand: number }
  /** XMM0, where it is an operand by name. */
  | { readonly op: "readXmm0"; readonly width: 128 }
  | {
      readonly op: "loadVector";
      readonly width: 128;
      readonly segment: SegmentChoice;
      readonly offset: number;
      /** An address that is no multiple of 16 is #GP(0). */
      readonly aligned: boolean;
    }
  | {
      readonly op: "lanes";
      readonly width: 128;
      readonly fn: LaneBinary | LaneReshaping;
      readonly lane: Lane;
      readonly a: number;
      readonly b: number;
    }
  /** By a scalar of 64 bits; a count that is no smaller than the lane leaves zeros, or for `sar` the sign. */
  | {
      readonly op: "laneShift";
      readonly width: 128;
      readonly fn: LaneShift;
      readonly lane: Lane;
      readonly a: number;
      readonly count: number;
    }
  /** `to` is the width of the result's lanes; what is extended are the lowest lanes. */
  | {
      readonly op: "laneUnary";
      readonly width: 128;
      readonly fn: LaneUnary;
      readonly lane: Lane;
      readonly to: Lane;
      readonly a: number;
    }
  /** Byte `i` of the result is byte `bytes[i]` of a, or of b from 16 on. */
  | {
      readonly op: "shuffle";
      readonly width: 128;
      readonly a: number;
      readonly b: number;
      readonly bytes: readonly number[];
    }
  /** Byte `i` of the result is the byte of a that byte `i` of b names, or zero when it names none. */
  | { readonly op: "swizzle"; readonly width: 128; readonly a: number; readonly b: number }
  /** A scalar of 64 bits, of which the low bits count, in every lane. */
  | { readonly op: "splat"; readonly width: 128; readonly lane: Lane; readonly value: number }
  /** Two scalars of 64 bits. */
  | { readonly op: "joinHalves"; readonly width: 128; readonly low: number; readonly high: number }
  | {
      readonly op: "extractLane";
      readonly width: Lane;
      readonly a: number;
      readonly index: number;
    }
  /** The highest bits of the lanes. */
  | { readonly op: "bitmask"; readonly width: 32; readonly lane: Lane; readonly a: number }
  | MmxMicroOp
  | FloatMicroOp
  | { readonly op: "readMxcsr"; readonly width: 32 }
  | { readonly op: "writeMxcsr"; readonly value: number }
  | { readonly op: "writeVector"; readonly operand: number; readonly value: number }
  | {
      readonly op: "storeVector";
      readonly segment: SegmentChoice;
      readonly offset: number;
      readonly aligned: boolean;
      readonly value: number;
    };

export type MmxMicroOp =
  /** An MMX register: the significand of an x87 register. */
  | { readonly op: "readMmx"; readonly width: 64; readonly operand: number }
  /** Sets the sign and exponent of the x87 register to ones. */
  | { readonly op: "writeMmx"; readonly operand: number; readonly value: number }
  /** What MMX instructions do to the x87 stack: TOP is 0 and no register is empty. */
  | { readonly op: "enterMmx" }
  /** An x87 exception is pending, and has to be seen to before the instruction. */
  | { readonly op: "x87Waits"; readonly width: 1 };

const VECTOR_OPS: ReadonlySet<string> = new Set<VectorMicroOp["op"]>([
  "vectorConst",
  "readVector",
  "readXmm0",
  "loadVector",
  "lanes",
  "laneShift",
  "laneUnary",
  "shuffle",
  "swizzle",
  "splat",
  "joinHalves",
  "extractLane",
  "bitmask",
  "float",
  "readMmx",
  "writeMmx",
  "enterMmx",
  "x87Waits",
  "readMxcsr",
  "writeMxcsr",
  "writeVector",
  "storeVector",
]);

export function isVectorMicroOp<M extends { readonly op: string }>(
  micro: M,
): micro is M & VectorMicroOp {
  return VECTOR_OPS.has(micro.op);
}

export const isMmxMicroOp = (micro: VectorMicroOp): micro is MmxMicroOp =>
  micro.op === "x87Waits" || micro.op.endsWith("Mmx");

// Lanes.

export function lanesOf(vector: bigint, lane: number): bigint[] {
  const values: bigint[] = [];
  for (let at = 0; at < 128; at += lane) values.push(BigInt.asUintN(lane, vector >> BigInt(at)));
  return values;
}

/** Lanes beyond those given are zero. */
export function vectorOf(values: readonly bigint[], lane: number): bigint {
  let vector = 0n;
  values.forEach((value, i) => {
    vector |= BigInt.asUintN(lane, value) << BigInt(lane * i);
  });
  return vector;
}

const signed = (value: bigint, lane: number): bigint => BigInt.asIntN(lane, value);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function saturateSigned(value: bigint, lane: number): bigint {
  const limit = 1n << BigInt(lane - 1);
  return greatest(-limit, least(limit - 1n, value));
}

function saturateUnsigned(value: bigint, lane: number): bigint {
  return greatest(0n, least((1n << BigInt(lane)) - 1n, value));
}

/** One lane of a function of two; what exceeds the lane is cut off. */
function laneBinary(fn: LaneBinary, lane: number, a: bigint, b: bigint): bigint {
  const [x, y] = [signed(a, lane), signed(b, lane)];
  switch (fn) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "addSaturateSigned":
      return saturateSigned(x + y, lane);
    case "addSaturateUnsigned":
      return saturateUnsigned(a + b, lane);
    case "subSaturateSigned":
      return saturateSigned(x - y, lane);
    case "subSaturateUnsigned":
      return saturateUnsigned(a - b, lane);
    case "mul":
      return a * b;
    case "mulHighSigned":
      return (x * y) >> BigInt(lane);
    case "mulHighUnsigned":
      return (a * b) >> BigInt(lane);
    case "mulFraction":
      return (((x * y) >> 14n) + 1n) >> 1n;
    case "minSigned":
      return least(x, y);
    case "minUnsigned":
      return least(a, b);
    case "maxSigned":
      return greatest(x, y);
    case "maxUnsigned":
      return greatest(a, b);
    case "average":
      return (a + b + 1n) >> 1n;
    case "eq":
      return a === b ? -1n : 0n;
    case "gtSigned":
      return x > y ? -1n : 0n;
    case "sign":
      return y < 0n ? -x : y === 0n ? 0n : x;
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "andNot":
      return ~a & b;
  }
}

const isReshaping = (fn: LaneBinary | LaneReshaping): fn is LaneReshaping =>
  fn.startsWith("mulEven") ||
  fn.startsWith("mulAdd") ||
  fn === "sumOfDifferences" ||
  fn.startsWith("pack");

export function lanes(fn: LaneBinary | LaneReshaping, lane: Lane, a: bigint, b: bigint): bigint {
  const [as, bs] = [lanesOf(a, lane), lanesOf(b, lane)];
  if (isReshaping(fn)) return reshape(fn, lane, as, bs);
  return vectorOf(
    as.map((x, i) => laneBinary(fn, lane, x, bs[i] as bigint)),
    lane,
  );
}

function reshape(
  fn: LaneReshaping,
  lane: Lane,
  as: readonly bigint[],
  bs: readonly bigint[],
): bigint {
  const b = (i: number): bigint => bs[i] as bigint;
  const ofPairs = (of: (even: number) => bigint): bigint =>
    vectorOf(
      as.filter((_, i) => i % 2 === 0).map((_, pair) => of(2 * pair)),
      2 * lane,
    );
  const a = (i: number): bigint => as[i] as bigint;
  const product = (i: number): bigint => signed(a(i), lane) * signed(b(i), lane);
  const mixed = (i: number): bigint => a(i) * signed(b(i), lane);
  switch (fn) {
    case "mulEvenSigned":
      return ofPairs(product);
    case "mulEvenUnsigned":
      return ofPairs((i) => a(i) * b(i));
    case "mulAddSigned":
      return ofPairs((i) => product(i) + product(i + 1));
    case "mulAddMixed":
      return ofPairs((i) => saturateSigned(mixed(i) + mixed(i + 1), 2 * lane));
    case "sumOfDifferences": {
      const differences = as.map((x, i) => (x > b(i) ? x - b(i) : b(i) - x));
      const half = differences.length / 2;
      const sum = (list: readonly bigint[]): bigint => list.reduce((x, y) => x + y, 0n);
      return vectorOf([sum(differences.slice(0, half)), sum(differences.slice(half))], 64);
    }
    case "packSigned":
    case "packUnsigned": {
      const saturate = fn === "packSigned" ? saturateSigned : saturateUnsigned;
      const packed = [...as, ...bs].map((x) => saturate(signed(x, lane), lane / 2));
      return vectorOf(packed, lane / 2);
    }
  }
}

export function laneShift(fn: LaneShift, lane: Lane, a: bigint, count: bigint): bigint {
  const by = least(count, BigInt(lane));
  return vectorOf(
    lanesOf(a, lane).map((x) =>
      fn === "shl" ? x << by : fn === "shr" ? x >> by : signed(x, lane) >> by,
    ),
    lane,
  );
}

export function laneUnary(fn: LaneUnary, lane: Lane, to: Lane, a: bigint): bigint {
  const of = lanesOf(a, lane);
  if (fn === "abs")
    return vectorOf(
      of.map((x) => (signed(x, lane) < 0n ? -x : x)),
      lane,
    );
  const extended = of.slice(0, 128 / to).map((x) => (fn === "extendSigned" ? signed(x, lane) : x));
  return vectorOf(extended, to);
}

export function shuffle(a: bigint, b: bigint, bytes: readonly number[]): bigint {
  const from = [...lanesOf(a, 8), ...lanesOf(b, 8)];
  return vectorOf(
    bytes.map((i) => from[i] as bigint),
    8,
  );
}

export function swizzle(a: bigint, b: bigint): bigint {
  const from = lanesOf(a, 8);
  return vectorOf(
    lanesOf(b, 8).map((i) => from[Number(i)] ?? 0n),
    8,
  );
}

export function splat(lane: Lane, value: bigint): bigint {
  return vectorOf(
    Array.from({ length: 128 / lane }, () => value),
    lane,
  );
}

export function bitmask(lane: Lane, a: bigint): bigint {
  return lanesOf(a, lane).reduce((mask, x, i) => mask | ((x >> BigInt(lane - 1)) << BigInt(i)), 0n);
}
