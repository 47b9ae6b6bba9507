/** Values in emitted code: arithmetic on locals, i32 for one bit, i64 zero-extended for the rest. */

import { assert } from "../../../sim/assert.ts";
import type { MicroOp, Width } from "../uop.ts";
import { controlOffset, segmentOffset } from "../state.ts";
import { CPU } from "./emit-control.ts";
import { signExtend } from "./emit-flags.ts";
import { importIndex } from "./imports.ts";
import { type FunctionBody, I64 } from "./wasm.ts";

/** By value: the local that holds it. */
type Locals = readonly number[];

/** Cuts the value on the stack to a width. */
export function wrap(body: FunctionBody, width: Width): void {
  if (width < 64) body.i64((1n << BigInt(width)) - 1n).op("i64.and");
}

/** Leaves a value on the stack that follows from locals and the CPU's block alone, whoever emits it. */
export function emitValue(locals: Locals, body: FunctionBody, micro: MicroOp): void {
  switch (micro.op) {
    case "codeLimit":
      body.get(CPU).memory("i64.load32_u", segmentOffset("CS") + 8);
      return;
    case "readControl":
      body.get(CPU).memory("i64.load", controlOffset(micro.register));
      return;
    case "binary":
      emitBinary(locals, body, micro);
      return;
    case "unary":
      emitUnary(locals, body, micro);
      return;
    case "compare":
      emitCompare(locals, body, micro);
      return;
    case "extend":
      emitExtend(locals, body, micro);
      return;
    case "truncate":
      body.get(locals[micro.a] as number);
      if (micro.width === 1) body.i64(1n).op("i64.and", "i32.wrap_i64");
      else wrap(body, micro.width);
      return;
    case "divide":
      emitDivide(locals, body, micro);
      return;
    case "select":
      body.get(locals[micro.a] as number).get(locals[micro.b] as number);
      body.get(locals[micro.condition] as number).op("select");
      return;
    default:
      throw new RangeError(`${micro.op} makes no value`);
  }
}

function emitBinary(locals: Locals, body: FunctionBody, micro: MicroOp & { op: "binary" }): void {
  const { fn, width, a, b } = micro;
  if (width === 1) {
    body.get(locals[a] as number);
    body.get(locals[b] as number);
    assert(fn === "and" || fn === "or" || fn === "xor", "bits are combined by and, or, xor");
    body.op(`i32.${fn}`);
    return;
  }
  if (fn === "mulHighUnsigned" || fn === "mulHighSigned") {
    multiplyHigh(locals, body, fn, micro);
    return;
  }
  if (fn === "sar") signed(locals, body, a, width);
  else body.get(locals[a] as number);
  body.get(locals[b] as number);
  const opcode = fn === "shr" ? "i64.shr_u" : fn === "sar" ? "i64.shr_s" : (`i64.${fn}` as const);
  body.op(opcode);
  if (fn === "add" || fn === "sub" || fn === "mul" || fn === "shl" || fn === "sar")
    wrap(body, width);
}

function multiplyHigh(
  locals: Locals,
  body: FunctionBody,
  fn: "mulHighUnsigned" | "mulHighSigned",
  { width, a, b }: MicroOp & { op: "binary" },
): void {
  if (width === 64) {
    multiplyHigh64(body, locals[a] as number, locals[b] as number, fn === "mulHighSigned");
    return;
  }
  for (const id of [a, b]) {
    if (fn === "mulHighSigned") signed(locals, body, id, width);
    else body.get(locals[id] as number);
  }
  body.op("i64.mul").i64(BigInt(width)).op("i64.shr_u");
  wrap(body, width);
}

/** The upper half of a product of 128 bits, from the four products of halves. */
function multiplyHigh64(body: FunctionBody, a: number, b: number, isSigned: boolean): void {
  const low = (local: number): FunctionBody => body.get(local).i64(0xffff_ffffn).op("i64.and");
  const high = (local: number): FunctionBody => body.get(local).i64(32n).op("i64.shr_u");
  const [cross, other] = [body.local(I64), body.local(I64)];
  high(a);
  low(b).op("i64.mul").set(cross);
  low(a);
  high(b).op("i64.mul").set(other);
  high(a);
  high(b).op("i64.mul");
  high(cross).op("i64.add");
  high(other).op("i64.add");
  // The carry of the middle: three words of 32 bits and a product's upper half.
  low(a);
  low(b).op("i64.mul").i64(32n).op("i64.shr_u");
  low(cross).op("i64.add");
  low(other).op("i64.add").i64(32n).op("i64.shr_u", "i64.add");
  if (!isSigned) return;
  for (const [negative, factor] of [
    [a, b],
    [b, a],
  ] as const) {
    body.get(negative).i64(63n).op("i64.shr_s").get(factor).op("i64.and", "i64.sub");
  }
}

/** Leaves a value sign-extended to 64 bits. */
function signed(locals: Locals, body: FunctionBody, id: number, width: Width): void {
  body.get(locals[id] as number);
  signExtend(body, width);
}

function emitUnary(
  locals: Locals,
  body: FunctionBody,
  { fn, width, a }: MicroOp & { op: "unary" },
): void {
  if (width === 1) {
    body.get(locals[a] as number).op("i32.eqz");
    return;
  }
  body.get(locals[a] as number);
  switch (fn) {
    case "not":
      body.i64(-1n).op("i64.xor");
      wrap(body, width);
      return;
    case "popcnt":
      body.op("i64.popcnt");
      return;
    case "clz":
      body.op("i64.clz");
      if (width < 64) body.i64(BigInt(64 - width)).op("i64.sub");
      return;
    case "ctz":
      // A bit above the width bounds the count.
      if (width < 64) body.i64(1n << BigInt(width)).op("i64.or");
      body.op("i64.ctz");
      return;
    case "byteSwap":
      byteSwap(body, width);
  }
}

/** Swaps the bytes of the value on the stack: of neighbours, of pairs, of halves. */
function byteSwap(body: FunctionBody, width: Width): void {
  const value = body.local(I64);
  for (const [shift, low] of [
    [8n, 0x00ff_00ff_00ff_00ffn],
    [16n, 0x0000_ffff_0000_ffffn],
  ] as const) {
    body.set(value);
    body.get(value).i64(shift).op("i64.shr_u").i64(low).op("i64.and");
    body.get(value).i64(low).op("i64.and").i64(shift).op("i64.shl", "i64.or");
  }
  body.i64(32n).op("i64.rotl");
  if (width < 64) body.i64(BigInt(64 - width)).op("i64.shr_u");
}

function emitCompare(
  locals: Locals,
  body: FunctionBody,
  { fn, a, b, of }: MicroOp & { op: "compare" },
): void {
  if (of === 1) {
    body.get(locals[a] as number);
    body
      .get(locals[b] as number)
      .op(fn === "eq" ? "i32.eq" : fn === "ltu" ? "i32.lt_u" : "i32.lt_s");
  } else if (fn === "lts") {
    signed(locals, body, a, of);
    signed(locals, body, b, of);
    body.op("i64.lt_s");
  } else {
    body.get(locals[a] as number);
    body.get(locals[b] as number).op(fn === "eq" ? "i64.eq" : "i64.lt_u");
  }
}

function emitExtend(
  locals: Locals,
  body: FunctionBody,
  { a, from, signed: isSigned, width }: MicroOp & { op: "extend" },
): void {
  if (from === 1) {
    body.get(locals[a] as number).op("i64.extend_i32_u");
    if (isSigned) {
      body.i64(-1n).op("i64.mul");
      wrap(body, width);
    }
  } else if (isSigned) {
    signed(locals, body, a, from);
    wrap(body, width);
  } else {
    body.get(locals[a] as number);
  }
}

/** Only 64-bit divisions with a high half that is not zero go to the host. */
function emitDivide(
  locals: Locals,
  body: FunctionBody,
  { part, width, high, low, divisor }: MicroOp & { op: "divide" },
): void {
  const local = (id: number): FunctionBody => body.get(locals[id] as number);
  const opcode = part === "quotient" ? "i64.div_u" : "i64.rem_u";
  if (width < 64) {
    local(high).i64(BigInt(width)).op("i64.shl");
    local(low).op("i64.or");
    local(divisor).op(opcode);
    return;
  }
  local(high).op("i64.eqz").if(I64);
  local(low);
  local(divisor).op(opcode, "else");
  local(high);
  local(low);
  local(divisor).call(importIndex(part)).op("end");
}
