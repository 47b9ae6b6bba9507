/**
 * Flags in emitted code. The status flags are kept as the result of the last operation and a word of carries, and made
 * into single flags only where one is read; see SCRATCH in layout.ts.
 */

import { assert } from "../../../sim/assert.ts";
import { OFFSET } from "../state.ts";
import type { MicroOp, OperandWidth, OpenFlag, StatusFlag, Width } from "../uop.ts";
import { CPU } from "./emit-control.ts";
import { SCRATCH } from "./layout.ts";
import { type FunctionBody, I32, I64 } from "./wasm.ts";

/** By value: the local that holds it. */
type Locals = readonly number[];

const DF = 0x400;
const FLAG_AUX_BITS = 0xc000_0000_0000_0008n;

/** Extends the sign of the value on the stack to 64 bits. */
export function signExtend(body: FunctionBody, width: Width): void {
  if (width === 8) body.op("i64.extend8_s");
  else if (width === 16) body.op("i64.extend16_s");
  else if (width === 32) body.op("i64.extend32_s");
}

/** SF, ZF and PF of a result; no carry, no overflow. */
export function storeLogicFlags(
  locals: Locals,
  body: FunctionBody,
  { result, of }: MicroOp & { op: "flagsOfLogic" },
): void {
  storeFlagResult(locals, body, result, of);
  body.get(CPU).i64(0n).memory("i64.store", SCRATCH.flagAux);
}

/** Leaves one flag as an i32. */
export function readFlag(body: FunctionBody, flag: OpenFlag): void {
  const result = (): FunctionBody => body.get(CPU).memory("i64.load", SCRATCH.flagResult);
  const aux = (): FunctionBody => body.get(CPU).memory("i64.load", SCRATCH.flagAux);
  switch (flag) {
    case "ZF":
      result().op("i64.eqz");
      return;
    case "CF":
      aux().i64(63n).op("i64.shr_u", "i32.wrap_i64");
      return;
    case "OF":
      aux();
      aux().i64(1n).op("i64.shl", "i64.xor").i64(63n).op("i64.shr_u", "i32.wrap_i64");
      return;
    case "AF":
      aux().i64(3n).op("i64.shr_u", "i32.wrap_i64").i32(1).op("i32.and");
      return;
    case "SF":
      result().i64(63n).op("i64.shr_u");
      aux().op("i64.xor", "i32.wrap_i64").i32(1).op("i32.and");
      return;
    case "PF":
      result().op("i32.wrap_i64").i32(255).op("i32.and", "i32.popcnt");
      aux().i64(1n).op("i64.shr_u", "i32.wrap_i64", "i32.xor").i32(1).op("i32.and", "i32.eqz");
      return;
    case "DF":
      body.get(CPU).memory("i32.load", OFFSET.rflags).i32(10).op("i32.shr_u").i32(1).op("i32.and");
  }
}

function storeFlagResult(
  locals: Locals,
  body: FunctionBody,
  result: number,
  of: OperandWidth,
): void {
  body.get(CPU).get(locals[result] as number);
  signExtend(body, of);
  body.memory("i64.store", SCRATCH.flagResult);
}

/** The carries out of each bit give CF, OF and AF: (a & b) | ((a | b) & ~result) for a + b, likewise for a - b. */
export function storeArithmeticFlags(
  locals: Locals,
  body: FunctionBody,
  micro: MicroOp & { op: "flagsOfAdd" | "flagsOfSub" },
): void {
  const { a, b, result, of } = micro;
  const carries = body.local(I64);
  const first = (): void => {
    body.get(locals[a] as number);
    if (micro.op === "flagsOfSub") body.i64(-1n).op("i64.xor");
  };
  first();
  body.get(locals[b] as number).op("i64.and");
  first();
  body.get(locals[b] as number).op("i64.or");
  body.get(locals[result] as number);
  if (micro.op === "flagsOfAdd") body.i64(-1n).op("i64.xor");
  body.op("i64.and", "i64.or");
  if (of < 64)
    body
      .tee(carries)
      .i64(BigInt(64 - of))
      .op("i64.shl")
      .get(carries)
      .i64(8n)
      .op("i64.and", "i64.or");
  body.i64(FLAG_AUX_BITS).op("i64.and").set(carries);
  body.get(CPU).get(carries).memory("i64.store", SCRATCH.flagAux);
  storeFlagResult(locals, body, result, of);
}

export function storeFlags(
  locals: Locals,
  body: FunctionBody,
  { flags, result, of }: MicroOp & { op: "setFlags" },
): void {
  const { DF: direction, ...status } = flags;
  if (direction !== undefined) storeDirection(body, locals[direction] as number);
  if (direction === undefined || result !== null || Object.keys(status).length > 0)
    storeStatus(locals, body, { op: "setFlags", flags: status, result, of });
}

export function storeDirection(body: FunctionBody, direction: number): void {
  body.get(CPU).get(CPU).memory("i32.load", OFFSET.rflags).i32(~DF).op("i32.and");
  body.get(direction).i32(10).op("i32.shl", "i32.or").memory("i32.store", OFFSET.rflags);
}

/** `old` leaves a flag that is not set. */
export function storeStatus(
  locals: Locals,
  body: FunctionBody,
  { flags, result, of }: MicroOp & { op: "setFlags" },
  old: (flag: StatusFlag) => void = (flag) => readFlag(body, flag),
): void {
  const bits = new Map<StatusFlag, number>();
  const fromResult =
    result !== null && flags.SF === undefined && flags.ZF === undefined && flags.PF === undefined;
  const wanted: readonly StatusFlag[] = fromResult
    ? ["CF", "OF", "AF"]
    : ["CF", "OF", "AF", "SF", "ZF", "PF"];
  assert(fromResult || result === null, "flags of a result come together");
  for (const flag of wanted) {
    const given = flags[flag];
    if (given !== undefined) {
      bits.set(flag, locals[given] as number);
      continue;
    }
    const local = body.local(I32);
    old(flag);
    body.set(local);
    bits.set(flag, local);
  }
  const bit = (flag: StatusFlag): FunctionBody => body.get(bits.get(flag) as number);
  body.get(CPU);
  bit("CF").op("i64.extend_i32_u").i64(63n).op("i64.shl");
  bit("CF");
  bit("OF").op("i32.xor", "i64.extend_i32_u").i64(62n).op("i64.shl", "i64.or");
  bit("AF").op("i64.extend_i32_u").i64(3n).op("i64.shl", "i64.or");
  if (fromResult) {
    body.memory("i64.store", SCRATCH.flagAux);
    storeFlagResult(locals, body, result, of);
    return;
  }
  bit("SF").op("i64.extend_i32_u", "i64.or");
  bit("PF").op("i32.eqz", "i64.extend_i32_u").i64(1n).op("i64.shl", "i64.or");
  body.memory("i64.store", SCRATCH.flagAux);
  // A result whose low byte and sign are zero, zero itself or not as ZF says.
  body.get(CPU).i64(0n).i64(256n);
  bit("ZF").op("select").memory("i64.store", SCRATCH.flagResult);
}
