/** Checks in emitted code that let WebAssembly's floating point stand for SSE's. */

import { OFFSET } from "../state.ts";
import type { FloatMicroOp } from "../vector-float.ts";
import { CPU } from "./emit-control.ts";
import { simd, vectorConst } from "./simd.ts";
import { type FunctionBody, V128 } from "./wasm.ts";

/** MXCSR but for the flags below PE: all masked, PE set, nearest, neither DAZ nor FTZ. */
const STEERING = 0xffe0;
const ORDINARY = 0x1fa0;

/** Constants of a format, in every lane, and the shapes of its lanes. */
export const FORMATS = {
  f32: {
    shape: "f32x4",
    integers: "i32x4",
    bits: 32,
    minNormal: 0x80_0000n,
    infinity: 0x7f80_0000n,
  },
  f64: {
    shape: "f64x2",
    integers: "i64x2",
    bits: 64,
    minNormal: 1n << 52n,
    infinity: 0x7ffn << 52n,
  },
} as const;
export type Format = (typeof FORMATS)[keyof typeof FORMATS];

export function everyLane(body: FunctionBody, { bits }: Format, value: bigint): FunctionBody {
  const two = bits === 32 ? (value << 32n) | value : value;
  return vectorConst(body, (two << 64n) | two);
}

/** From the vector on the stack to the result: a scalar function writes one lane of a. */
export function setScalar(
  micro: FloatMicroOp,
  body: FunctionBody,
  a: number,
  result: number,
): void {
  if (!micro.packed) {
    const all = body.local(V128);
    body.set(all).get(all).get(a);
    simd(lowestLane(micro, body), "v128.bitselect");
  }
  body.set(result);
}

function lowestLane({ format }: FloatMicroOp, body: FunctionBody): FunctionBody {
  return vectorConst(body, (1n << BigInt(FORMATS[format].bits)) - 1n);
}

/** Leaves whether a bit is set in the lanes that the function computes. */
export function anyLane(micro: FloatMicroOp, body: FunctionBody): FunctionBody {
  if (!micro.packed) simd(lowestLane(micro, body), "v128.and");
  return simd(body, "v128.any_true");
}

/** Leaves a new local with a vector's elements without their signs. */
export function magnitude(format: Format, body: FunctionBody, of: number): number {
  const local = body.local(V128);
  everyLane(body.get(of), format, (1n << BigInt(format.bits - 1)) - 1n);
  simd(body, "v128.and").set(local);
  return local;
}

/** Leaves ones where a magnitude is that of a denormal. */
export function denormal({ integers, ...format }: Format, body: FunctionBody, of: number): void {
  everyLane(body.get(of), { integers, ...format } as Format, format.minNormal);
  simd(body, `${integers}.lt_s`);
  vectorConst(body.get(of), 0n);
  simd(body, `${integers}.eq`, "v128.andnot");
}

/** Leaves ones where a magnitude is that of a denormal or a NaN. */
export function strange(format: Format, body: FunctionBody, of: number): void {
  denormal(format, body, of);
  everyLane(body.get(of), format, format.infinity);
  simd(body, `${format.integers}.gt_s`, "v128.or");
}

/** Leaves whether MXCSR lets the result stand as WebAssembly gives it. */
export function isOrdinary(body: FunctionBody): FunctionBody {
  body.get(CPU).memory("i32.load", OFFSET.mxcsr).i32(STEERING).op("i32.and");
  return body.i32(ORDINARY).op("i32.eq");
}
