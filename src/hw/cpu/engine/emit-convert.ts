/**
 * Conversions in emitted code, where WebAssembly's are exact or MXCSR lets their rounding stand. Out of range, NaNs and
 * other rounding go to softfloat.
 */

import { OFFSET } from "../state.ts";
import type { FloatMicroOp } from "../vector-float.ts";
import { CPU } from "./emit-control.ts";
import {
  anyLane,
  everyLane,
  FORMATS,
  isOrdinary,
  magnitude,
  setScalar,
  strange,
} from "./float-checks.ts";
import { extractLane, replaceLane, simd, simdShuffle, vectorConst } from "./simd.ts";
import { type FunctionBody, I64, V128 } from "./wasm.ts";

/** i64.trunc_sat_f32_s and i64.trunc_sat_f64_s. */
const TRUNC_SAT_F32 = [0xfc, 0x04];
const TRUNC_SAT_F64 = [0xfc, 0x06];

const PE = 0x20;
const PM = 0x1000;
const ROUNDING = 0x6000;

/** Puts what may be the result into its local and leaves whether it is; false when there is no such way. */
export function emitConversion(
  micro: FloatMicroOp,
  body: FunctionBody,
  a: number,
  b: number,
  result: number,
): boolean {
  switch (micro.fn) {
    case "fromInteger":
      if (micro.packed) fromIntegers(micro, body, b, result);
      else fromInteger(micro, body, a, b, result);
      return true;
    case "toInteger":
    case "truncate":
      if (!micro.packed) {
        toInteger(micro, body, b, result);
        return true;
      }
      if (micro.fn === "toInteger" || micro.format === "f64") return false;
      truncateSingles(micro, body, b, result);
      return true;
    case "convert":
      if (micro.format === "f32") widen(micro, body, a, b, result);
      else narrow(micro, body, a, b, result);
      return true;
    default:
      return false;
  }
}

/** Exact when the integer has no more bits than the format's significand. */
function fromInteger(
  { format }: FloatMicroOp,
  body: FunctionBody,
  a: number,
  b: number,
  result: number,
): void {
  const integer = body.local(I64);
  extractLane(body.get(b), 64, 0).set(integer);
  body.get(a).get(integer);
  if (format === "f64") replaceLane(body.op("f64.convert_i64_s", "i64.reinterpret_f64"), 64, 0);
  else replaceLane(body.op("f32.convert_i64_s", "i32.reinterpret_f32"), 32, 0);
  const limit = format === "f64" ? 1n << 53n : 1n << 24n;
  body
    .set(result)
    .get(integer)
    .i64(limit)
    .op("i64.add")
    .i64(2n * limit)
    .op("i64.lt_u");
  isOrdinary(body).op("i32.or");
}

function fromIntegers(
  { format }: FloatMicroOp,
  body: FunctionBody,
  b: number,
  result: number,
): void {
  if (format === "f64") {
    simd(body.get(b), "f64x2.convert_low_i32x4_s").set(result).i32(1);
    return;
  }
  simd(body.get(b), "f32x4.convert_i32x4_s").set(result);
  isOrdinary(body);
}

/** Leaves whether precision goes unnoticed and, where it matters, rounding is to nearest. */
function roundingStands(body: FunctionBody, fn: FloatMicroOp["fn"]): FunctionBody {
  const looked = PE | PM | (fn === "toInteger" ? ROUNDING : 0);
  body.get(CPU).memory("i32.load", OFFSET.mxcsr).i32(looked).op("i32.and");
  return body.i32(PE | PM).op("i32.eq");
}

/** The biased exponent of a power of two, in place. */
const powerOfTwo = (format: FloatMicroOp["format"], exponent: number): bigint =>
  format === "f64" ? BigInt(1023 + exponent) << 52n : BigInt(127 + exponent) << 23n;

/** In range when the magnitude is below half of what fits, so that no rounding reaches the limit. */
function toInteger(
  { fn, format, width }: FloatMicroOp,
  body: FunctionBody,
  b: number,
  result: number,
): void {
  const bits = body.local(I64);
  if (format === "f64") {
    extractLane(body.get(b), 64, 0).tee(bits).op("f64.reinterpret_i64");
    if (fn === "toInteger") body.op("f64.nearest");
    body.raw(...TRUNC_SAT_F64);
  } else {
    extractLane(body.get(b), 32, 0).op("i64.extend_i32_u").tee(bits);
    body.op("i32.wrap_i64", "f32.reinterpret_i32");
    if (fn === "toInteger") body.op("f32.nearest");
    body.raw(...TRUNC_SAT_F32);
  }
  if (width === 32) body.i64(0xffff_ffffn).op("i64.and");
  const sign = format === "f64" ? 1n << 63n : 1n << 31n;
  body
    .set(result)
    .get(bits)
    .i64(sign - 1n)
    .op("i64.and");
  body.i64(powerOfTwo(format, width - 2)).op("i64.lt_u");
  roundingStands(body, fn).op("i32.and");
}

function truncateSingles(micro: FloatMicroOp, body: FunctionBody, b: number, result: number): void {
  const format = FORMATS[micro.format];
  simd(body.get(b), "i32x4.trunc_sat_f32x4_s").set(result);
  everyLane(body.get(magnitude(format, body, b)), format, powerOfTwo("f32", 30));
  simd(body, "i32x4.gt_s", "v128.any_true").op("i32.eqz");
  roundingStands(body, micro.fn).op("i32.and");
}

/** Exact but for denormals and NaNs. */
function widen(
  micro: FloatMicroOp,
  body: FunctionBody,
  a: number,
  b: number,
  result: number,
): void {
  const used = micro.packed ? (1n << 64n) - 1n : (1n << 32n) - 1n;
  simd(body.get(b), "f64x2.promote_low_f32x4");
  setScalar({ ...micro, format: "f64" }, body, a, result);
  strange(FORMATS.f32, body, magnitude(FORMATS.f32, body, b));
  simd(vectorConst(body, used), "v128.and", "v128.any_true").op("i32.eqz");
}

function narrow(
  micro: FloatMicroOp,
  body: FunctionBody,
  a: number,
  b: number,
  result: number,
): void {
  const { f32, f64 } = FORMATS;
  const all = body.local(V128);
  simd(body.get(b), "f32x4.demote_f64x2_zero").tee(all);
  setScalar({ ...micro, format: "f32" }, body, a, result);
  const ofResult = magnitude(f32, body, all);
  const ofB = magnitude(f64, body, b);
  everyLane(body.get(ofResult), f32, f32.infinity - 1n);
  simd(body, "i32x4.gt_s");
  everyLane(body.get(ofResult), f32, f32.minNormal + 1n);
  simd(body, "i32x4.lt_s");
  // What is tiny is exact only from zero; the upper lanes of the result are no element's.
  vectorConst(body.get(ofB), 0n);
  const zeros = body.local(V128);
  simd(body, "i64x2.eq").set(zeros);
  simdShuffle(
    vectorConst(body.get(zeros), (1n << 128n) - 1n),
    [0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16],
  );
  simd(body, "v128.andnot", "v128.or");
  anyLane({ ...micro, format: "f32" }, body);
  strange(f64, body, ofB);
  anyLane(micro, body);
  isOrdinary(body.op("i32.or", "i32.eqz")).op("i32.and");
}
