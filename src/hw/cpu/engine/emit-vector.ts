/** Vector micro-ops in emitted code: v128 locals, and the vector instruction that a micro-op is named after. */

import type { SegmentChoice } from "../uop.ts";
import { unreachable } from "../../../sim/assert.ts";
import { OFFSET } from "../state.ts";
import { isMmxMicroOp, type Lane, type MmxMicroOp, type VectorMicroOp } from "../vector.ts";
import { emitFloat } from "./emit-float.ts";
import { CPU } from "./emit-control.ts";
import { emitMmx } from "./emit-mmx.ts";
import { emitLanes } from "./emit-lanes.ts";
import { importIndex } from "./imports.ts";
import { EXIT, SCRATCH } from "./layout.ts";
import {
  extractLane,
  loadVector,
  replaceLane,
  simd,
  simdNamed,
  simdShuffle,
  storeVector,
  vectorConst,
} from "./simd.ts";
import { type FunctionBody, I32, V128 } from "./wasm.ts";

/** What the emitter of a handler lends. */
export interface VectorEmitter {
  readonly body: FunctionBody;
  /** By value: the local that holds it. */
  readonly locals: readonly number[];
  /** Leaves the address of an operand's register. */
  readonly registerAddress: (operand: number) => FunctionBody;
  readonly linear: (offset: number, segment: SegmentChoice, write: boolean) => number;
  readonly place: (linear: number, bytes: number, access: "read" | "write") => number;
  readonly slowArguments: (linear: number, bytes: number, flags: number) => void;
  readonly leave: (exit: number) => void;
  /**
   * Gives the instruction up, before it has changed anything, to who does it from the start; null where the host does
   * what emitted code cannot. With it, `place` finds a place or gives up.
   */
  readonly giveUp: (() => void) | null;
}

/** In the last argument of a slow access of 16 bytes: it has to be aligned. */
export const SLOW_ALIGNED = 0x400;

const SHAPES = { 8: "i8x16", 16: "i16x8", 32: "i32x4", 64: "i64x2" } as const;
const WIDER = { 8: 16, 16: 32, 32: 64, 64: 64 } as const;

/** Leaves the value of a micro-op on the stack, or does what it does. */
export function emitVector(micro: VectorMicroOp, to: VectorEmitter): void {
  if (isMmxMicroOp(micro)) emitMmx(micro, to);
  else emitXmm(micro, to);
}

function emitXmm(micro: Exclude<VectorMicroOp, MmxMicroOp>, to: VectorEmitter): void {
  const { body, locals } = to;
  const get = (id: number): FunctionBody => body.get(locals[id] as number);
  switch (micro.op) {
    case "vectorConst":
      vectorConst(body, micro.value);
      return;
    case "readVector":
      loadVector(to.registerAddress(micro.operand));
      return;
    case "readXmm0":
      loadVector(body.get(CPU), OFFSET.xmm);
      return;
    case "lanes":
      emitLanes(body, micro, locals[micro.a] as number, locals[micro.b] as number);
      return;
    case "laneShift":
      emitShift(micro, to);
      return;
    case "laneUnary":
      emitUnary(micro, to);
      return;
    case "shuffle":
      get(micro.a);
      get(micro.b);
      simdShuffle(body, micro.bytes);
      return;
    case "swizzle":
      get(micro.a);
      simd(get(micro.b), "i8x16.swizzle");
      return;
    case "splat":
      emitSplat(get(micro.value), micro.lane);
      return;
    case "joinHalves":
      simd(get(micro.low), "i64x2.splat");
      get(micro.high);
      replaceLane(body, 64, 1);
      return;
    case "extractLane":
      extractLane(get(micro.a), micro.width, micro.index);
      if (micro.width !== 64) body.op("i64.extend_i32_u");
      return;
    case "bitmask":
      simd(get(micro.a), `${SHAPES[micro.lane]}.bitmask`).op("i64.extend_i32_u");
      return;
    case "float":
      emitFloat(micro, to);
      return;
    case "readMxcsr":
      body.get(CPU).memory("i64.load32_u", OFFSET.mxcsr);
      return;
    case "writeMxcsr":
      body.get(CPU);
      get(micro.value).memory("i64.store32", OFFSET.mxcsr);
      return;
    case "writeVector":
      to.registerAddress(micro.operand);
      storeVector(get(micro.value));
      return;
    case "loadVector":
      emitLoad(micro, to);
      return;
    case "storeVector":
      emitStore(micro, to);
      return;
    default:
      unreachable(micro);
  }
}

/** Of the scalar on the stack. */
function emitSplat(body: FunctionBody, lane: Lane): void {
  if (lane !== 64) body.op("i32.wrap_i64");
  simd(body, `${SHAPES[lane]}.splat`);
}

/** WebAssembly takes counts modulo the lane. */
function emitShift(
  { fn, lane, a, count }: VectorMicroOp & { op: "laneShift" },
  { body, locals }: VectorEmitter,
): void {
  const by = body.local(I32);
  const get = (id: number): FunctionBody => body.get(locals[id] as number);
  const most = BigInt(lane - 1);
  const shape = SHAPES[lane];
  get(count).i64(most);
  get(count).i64(most).op("i64.lt_u", "select", "i32.wrap_i64").set(by);
  get(a).get(by);
  if (fn === "sar") {
    simd(body, `${shape}.shr_s`);
    return;
  }
  simd(body, fn === "shl" ? `${shape}.shl` : `${shape}.shr_u`);
  vectorConst(body, 0n);
  get(count)
    .i64(most + 1n)
    .op("i64.lt_u", "select");
}

function emitUnary(
  { fn, lane, to, a }: VectorMicroOp & { op: "laneUnary" },
  { body, locals }: VectorEmitter,
): void {
  body.get(locals[a] as number);
  if (fn === "abs") {
    simdNamed(body, `${SHAPES[lane]}.abs`);
    return;
  }
  const sign = fn === "extendSigned" ? "s" : "u";
  for (let from: keyof typeof WIDER = lane; from < to; from = WIDER[from])
    simdNamed(body, `${SHAPES[WIDER[from]]}.extend_low_${SHAPES[from]}_${sign}`);
}

/** Leaves in a new local where the bytes lie, or 0 when the host has to see to the access. */
function placeOf(
  to: VectorEmitter,
  linear: number,
  { aligned }: { readonly aligned: boolean },
  cache: "read" | "write",
): number {
  const { body, giveUp } = to;
  if (aligned && giveUp !== null) {
    body.get(linear).op("i32.wrap_i64").i32(15).op("i32.and").if();
    giveUp();
    body.op("end");
  }
  // What is aligned crosses no page.
  const place = to.place(linear, aligned ? 1 : 16, cache);
  if (giveUp !== null) return place;
  if (aligned) {
    body.i32(0).get(place).get(linear).op("i32.wrap_i64").i32(15).op("i32.and", "select");
    body.set(place);
  }
  return place;
}

function emitLoad(micro: VectorMicroOp & { op: "loadVector" }, to: VectorEmitter): void {
  const { body } = to;
  const linear = to.linear(micro.offset, micro.segment, false);
  const place = placeOf(to, linear, micro, "read");
  if (to.giveUp !== null) {
    loadVector(body.get(place));
    return;
  }
  body.get(place).if(V128);
  loadVector(body.get(place)).op("else");
  to.slowArguments(linear, 16, micro.aligned ? SLOW_ALIGNED : 0);
  body.call(importIndex("slowVectorRead")).if();
  to.leave(EXIT.fault);
  loadVector(body.op("end").get(CPU), SCRATCH.vectorA).op("end");
}

function emitStore(micro: VectorMicroOp & { op: "storeVector" }, to: VectorEmitter): void {
  const { body } = to;
  const linear = to.linear(micro.offset, micro.segment, true);
  const value = to.locals[micro.value] as number;
  const place = placeOf(to, linear, micro, "write");
  if (to.giveUp !== null) {
    storeVector(body.get(place).get(value));
    return;
  }
  body.get(place).if();
  storeVector(body.get(place).get(value)).op("else");
  storeVector(body.get(CPU).get(value), SCRATCH.vectorA);
  to.slowArguments(linear, 16, micro.aligned ? SLOW_ALIGNED : 0);
  body.call(importIndex("slowVectorWrite")).if();
  to.leave(EXIT.fault);
  body.op("end", "end");
}
