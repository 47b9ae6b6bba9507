/** The reference evaluation of vector micro-ops: one at a time, on BigInt. */

import { linearAddress, segmentFault, segmentOf, segmentSum } from "./addressing.ts";
import type { Decoded, OperandValue } from "./decode.ts";
import type { Fault } from "./fault.ts";
import { isFault, type LinearMemory } from "./mmu.ts";
import { is64Bit } from "./mode.ts";
import type { CpuState } from "./state.ts";
import {
  bitmask,
  isMmxMicroOp,
  lanes,
  lanesOf,
  laneShift,
  laneUnary,
  shuffle,
  splat,
  swizzle,
  type MmxMicroOp,
  type VectorMicroOp,
  vectorOf,
} from "./vector.ts";
import { isAligned, readVector, writeVector } from "./vector-access.ts";
import { mustWait } from "./x87/pending.ts";
import { X87Unit } from "./x87/unit.ts";
import { float, type FloatMicroOp, settle } from "./vector-float.ts";

export interface VectorContext {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  readonly decoded: Decoded;
  readonly value: (id: number) => bigint;
}

/** The value of a micro-op, 0 when it has none, or its fault. */
export function evaluateVector(micro: VectorMicroOp, context: VectorContext): bigint | Fault {
  const { state, value } = context;
  if (isMmxMicroOp(micro)) return evaluateMmx(micro, context);
  switch (micro.op) {
    case "vectorConst":
      return micro.value;
    case "readVector":
      return state.xmm(registerOf(context, micro.operand));
    case "readXmm0":
      return state.xmm(0);
    case "lanes":
      return lanes(micro.fn, micro.lane, value(micro.a), value(micro.b));
    case "laneShift":
      return laneShift(micro.fn, micro.lane, value(micro.a), value(micro.count));
    case "laneUnary":
      return laneUnary(micro.fn, micro.lane, micro.to, value(micro.a));
    case "shuffle":
      return shuffle(value(micro.a), value(micro.b), micro.bytes);
    case "swizzle":
      return swizzle(value(micro.a), value(micro.b));
    case "splat":
      return splat(micro.lane, value(micro.value));
    case "joinHalves":
      return vectorOf([value(micro.low), value(micro.high)], 64);
    case "extractLane":
      return lanesOf(value(micro.a), micro.width)[micro.index] as bigint;
    case "bitmask":
      return bitmask(micro.lane, value(micro.a));
    case "readMxcsr":
      return BigInt(state.mxcsr);
    case "writeMxcsr":
      state.mxcsr = Number(value(micro.value));
      return 0n;
    case "writeVector":
      state.setXmm(registerOf(context, micro.operand), value(micro.value));
      return 0n;
    case "float":
      return evaluateFloat(micro, context);
    case "loadVector":
    case "storeVector":
      return access(micro, context);
  }
}

function evaluateMmx(micro: MmxMicroOp, context: VectorContext): bigint {
  const { state, value } = context;
  const unit = new X87Unit(state);
  switch (micro.op) {
    case "readMmx":
      return unit.physical(registerOf(context, micro.operand)).significand;
    case "writeMmx": {
      const significand = value(micro.value);
      unit.setPhysical(registerOf(context, micro.operand), { significand, signExponent: 0xffff });
      return 0n;
    }
    case "enterMmx":
      unit.enterMmx();
      return 0n;
    case "x87Waits":
      return mustWait(state) ? 1n : 0n;
  }
}

function registerOf({ decoded }: VectorContext, operand: number): number {
  const found = decoded.operands[operand] as OperandValue & { is: "register" };
  return found.register.number;
}

function evaluateFloat(micro: FloatMicroOp, { state, value }: VectorContext): bigint | Fault {
  const control = micro.control === null ? 0 : Number(value(micro.control));
  const result = float(micro, value(micro.a), value(micro.b), control, state.mxcsr);
  return settle(state, result) ?? result.value;
}

function access(
  micro: VectorMicroOp & { op: "loadVector" | "storeVector" },
  { state, memory, decoded, value }: VectorContext,
): bigint | Fault {
  const offset = value(micro.offset);
  const name = segmentOf(decoded, micro.segment);
  const linear = segmentSum(state, name, offset);
  const place = { linear, aligned: micro.aligned, notCanonical: segmentFault(name) };
  // Alignment comes first: as an AMD processor has it, also beyond a segment's limit.
  if (!is64Bit(state) && isAligned(place)) {
    const checked = linearAddress(state, name, offset, 16, micro.op === "storeVector");
    if (isFault(checked)) return checked;
  }
  if (micro.op === "loadVector") return readVector(memory, place);
  return writeVector(memory, place, value(micro.value)) ?? 0n;
}
