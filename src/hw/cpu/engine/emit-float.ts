/**
 * SSE floating point in emitted code. WebAssembly's instruction gives the result where nothing is to be reported and
 * the bits are the same in every engine: exceptions masked, the precision flag already set, rounding to nearest, no
 * denormal and no NaN. All else goes to softfloat in the host.
 */

import { FLOAT_FUNCTIONS, type FloatMicroOp, type FloatSpec } from "../vector-float.ts";
import { CPU, REC } from "./emit-control.ts";
import { emitConversion } from "./emit-convert.ts";
import type { VectorEmitter } from "./emit-vector.ts";
import {
  anyLane,
  denormal,
  everyLane,
  type Format,
  FORMATS,
  isOrdinary,
  magnitude,
  setScalar,
  strange,
} from "./float-checks.ts";
import { importIndex } from "./imports.ts";
import { EXIT, SCRATCH } from "./layout.ts";
import { loadVector, simd, storeVector, vectorConst } from "./simd.ts";
import { type FunctionBody, I32, I64, V128 } from "./wasm.ts";

/** A function as the host is told of it. */
export function floatCode({ fn, format, packed, width }: FloatSpec): number {
  const index = FLOAT_FUNCTIONS.indexOf(fn);
  return index | (format === "f64" ? 0x100 : 0) | (packed ? 0x200 : 0) | (width << 16);
}

export function floatSpec(code: number): FloatSpec {
  return {
    fn: FLOAT_FUNCTIONS[code & 0xff] ?? "add",
    format: (code & 0x100) === 0 ? "f32" : "f64",
    packed: (code & 0x200) !== 0,
    width: (code >> 16) as FloatSpec["width"],
  };
}

/** Leaves the result. */
export function emitFloat(micro: FloatMicroOp, to: VectorEmitter): void {
  const { body, locals } = to;
  const [a, b] = [locals[micro.a] as number, locals[micro.b] as number];
  const result = body.local(micro.width === 128 ? V128 : I64);
  const fits = emitFast(micro, to, a, b, result);
  if (to.giveUp !== null) {
    if (!fits) body.i32(0);
    body.op("i32.eqz").if();
    to.giveUp();
    body.op("end").get(result);
    return;
  }
  if (fits) body.op("i32.eqz").if();
  storeVector(body.get(CPU).get(a), SCRATCH.vectorA);
  storeVector(body.get(CPU).get(b), SCRATCH.vectorB);
  body.get(CPU).get(REC).i32(floatCode(micro));
  if (micro.control === null) body.i32(0);
  else body.get(locals[micro.control] as number).op("i32.wrap_i64");
  body.call(importIndex("slowFloat")).if();
  to.leave(EXIT.fault);
  body.op("end").get(CPU);
  if (micro.width === 128) loadVector(body, SCRATCH.vectorA);
  else body.memory("i64.load", SCRATCH.vectorA);
  body.set(result);
  if (fits) body.op("end");
  body.get(result);
}

/** Puts what may be the result into its local and leaves whether it is; false when there is no such way. */
function emitFast(
  micro: FloatMicroOp,
  { body, locals }: VectorEmitter,
  a: number,
  b: number,
  result: number,
): boolean {
  const format = FORMATS[micro.format];
  switch (micro.fn) {
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "sqrt":
      emitArithmetic(micro, body, a, b, result);
      return true;
    case "min":
    case "max":
      // The first operand where it is the less, or the greater; else the second.
      body.get(a).get(b);
      if (micro.fn === "min") body.get(a).get(b);
      else body.get(b).get(a);
      simd(body, `${format.shape}.lt`, "v128.bitselect");
      setScalar(micro, body, a, result);
      break;
    case "compare":
      emitPredicate(format, body, a, b, locals[micro.control as number] as number);
      setScalar(micro, body, a, result);
      break;
    case "compareOrdered":
    case "compareUnordered":
      simd(body.get(a).get(b), `${format.shape}.lt`, `${format.integers}.bitmask`);
      body.i32(1).op("i32.and");
      simd(body.get(a).get(b), `${format.shape}.eq`, `${format.integers}.bitmask`);
      body.i32(1).op("i32.and").i32(6).op("i32.shl", "i32.or", "i64.extend_i32_u").set(result);
      break;
    default:
      return emitConversion(micro, body, a, b, result);
  }
  // No flag is raised by operands that are neither NaN nor denormal, whatever MXCSR says.
  strange(format, body, magnitude(format, body, a));
  strange(format, body, magnitude(format, body, b));
  anyLane(micro, simd(body, "v128.or")).op("i32.eqz");
  return true;
}

function emitPredicate(
  format: Format,
  body: FunctionBody,
  a: number,
  b: number,
  control: number,
): void {
  const predicate = body.local(I32);
  const [less, equal, none] = [body.local(V128), body.local(V128), body.local(V128)];
  simd(body.get(a).get(b), `${format.shape}.lt`).set(less);
  simd(body.get(a).get(b), `${format.shape}.eq`).set(equal);
  body.get(control).op("i32.wrap_i64").tee(predicate).i32(3).op("i32.and").set(predicate);
  // 0 equal, 1 less, 2 less or equal, 3 unordered; with bit 2 not so.
  simd(body.get(less).get(equal), "v128.or").get(none);
  body.get(predicate).i32(2).op("i32.eq", "select").set(none);
  body.get(less).get(none).get(predicate).i32(1).op("i32.eq", "select").set(none);
  body.get(none).get(equal).get(predicate).op("select");
  body.get(control).i64(2n).op("i64.shr_u").i64(1n).op("i64.and");
  body.i64(-1n).op("i64.mul");
  simd(body, "i64x2.splat", "v128.xor");
}

function emitArithmetic(
  micro: FloatMicroOp,
  body: FunctionBody,
  a: number,
  b: number,
  result: number,
): void {
  const { fn } = micro;
  const format = FORMATS[micro.format];
  const { shape, integers, minNormal, infinity } = format;
  const all = body.local(V128);
  if (fn !== "sqrt") body.get(a);
  simd(body.get(b), `${shape}.${fn as "add" | "sub" | "mul" | "div" | "sqrt"}`).set(all);
  const ofB = magnitude(format, body, b);
  const ofA = fn === "sqrt" ? ofB : magnitude(format, body, a);
  const ofResult = magnitude(format, body, all);
  denormal(format, body, ofA);
  denormal(format, body, ofB);
  everyLane(body.get(ofResult), format, infinity - 1n);
  simd(body, `${integers}.gt_s`, "v128.or", "v128.or");
  if (fn !== "add" && fn !== "sub") {
    // The smallest normal number may have been rounded up from what counts as tiny; zero is exact only from zero.
    everyLane(body.get(ofResult), format, minNormal + 1n);
    simd(body, `${integers}.lt_s`);
    simd(vectorConst(body.get(ofA), 0n), `${integers}.eq`, "v128.andnot");
    if (fn === "mul") simd(vectorConst(body.get(ofB), 0n), `${integers}.eq`, "v128.andnot");
    simd(body, "v128.or");
  }
  anyLane(micro, body).op("i32.eqz");
  body.get(all);
  setScalar(micro, body, a, result);
  isOrdinary(body).op("i32.and");
}
