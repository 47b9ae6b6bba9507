/**
 * The recorder of vector micro-ops, called `v` where SSE instructions are written; scalars go through `v.u`. Each
 * instruction begins with the check that SSE may be used: SDM Vol. 3, "System Programming for Streaming SIMD
 * Instruction Sets", "Control Registers".
 */

import { assert } from "../../sim/assert.ts";
import { type Instruction, type InstructionText, instruction } from "./instruction.ts";
import { waitFor } from "./x87/pending.ts";
import type { Operand, Semantics } from "./semantics.ts";
import type { MicroOp, OperandWidth, Value } from "./uop.ts";
import type {
  Lane,
  LaneBinary,
  LaneReshaping,
  LaneShift,
  LaneUnary,
  VectorValue,
} from "./vector.ts";
import type { FloatFormatName, FloatFunction } from "./vector-float.ts";

const CR0_EM = 2;
const CR0_TS = 3;
const CR4_OSFXSR = 9;

/** #UD with CR0.EM or, on XMM registers, without CR4.OSFXSR; then #NM with CR0.TS. */
function checkUsable(u: Semantics, onXmm: boolean): void {
  const cr0 = u.control("CR0");
  const emulated = u.bit(cr0, CR0_EM);
  const isBarred = onXmm ? u.or(emulated, u.not(u.bit(u.control("CR4"), CR4_OSFXSR))) : emulated;
  u.faultIf(isBarred, "#UD");
  u.faultIf(u.bit(cr0, CR0_TS), "#NM");
}

export interface SseText extends Omit<InstructionText, "semantics"> {
  readonly semantics: (v: Vectors, ...operands: readonly Operand[]) => void;
  /** On MMX registers: an assist sees to x87 exceptions and to what MMX does to the x87 stack. */
  readonly waitsItself?: true;
}

/** An instruction on XMM registers, on MMX registers, or on both. */
export function vectorInstruction(mnemonic: string, text: SseText): Instruction {
  const { waitsItself = false } = text;
  return instruction(mnemonic, {
    ...text,
    semantics: (u, ...operands) => {
      const v = new Vectors(u);
      const onMmx = operands.filter(({ vector }) => vector === "mmx");
      checkUsable(u, onMmx.length === 0 || operands.some(({ vector }) => vector === "xmm"));
      // An operand in memory makes no MMX instruction: CVTPI2PD, and in AMD's processors CVTPI2PS too.
      const entersMmx = !waitsItself && onMmx.some(({ place }) => place === "register");
      if (entersMmx) u.assistIf(v.x87Waits(), waitFor);
      text.semantics(v, ...operands);
      if (entersMmx) u.append({ op: "enterMmx" });
    },
  });
}

export type ScalarFormat = { readonly format: FloatFormatName; readonly packed: false };
export type PackedFormat = { readonly format: FloatFormatName; readonly packed: true };

export const PS: PackedFormat = { format: "f32", packed: true };
export const PD: PackedFormat = { format: "f64", packed: true };
export const SS: ScalarFormat = { format: "f32", packed: false };
export const SD: ScalarFormat = { format: "f64", packed: false };

export class Vectors {
  readonly u: Semantics;

  constructor(u: Semantics) {
    this.u = u;
  }

  // Operands.

  /** A whole operand; in memory it lies at a multiple of 16. */
  read(operand: Operand): VectorValue {
    return this.#read(operand, true);
  }

  readUnaligned(operand: Operand): VectorValue {
    return this.#read(operand, false);
  }

  /** A register whole, or so many bits of memory with zeros above. */
  readLow(operand: Operand, bits: OperandWidth): VectorValue {
    if (operand.place !== "memory") return this.read(operand);
    return this.fromScalar(this.u.load("effective", this.u.address(operand), bits));
  }

  /** The lowest bits of a register, or so many of memory. */
  readScalar(operand: Operand, bits: 32 | 64): Value {
    if (operand.place === "memory") return this.u.load("effective", this.u.address(operand), bits);
    return this.extract(this.read(operand), bits, 0);
  }

  xmm0(): VectorValue {
    return this.#vector({ op: "readXmm0", width: 128 });
  }

  write(operand: Operand, value: VectorValue): void {
    this.#write(operand, value, true);
  }

  writeUnaligned(operand: Operand, value: VectorValue): void {
    this.#write(operand, value, false);
  }

  /** The lowest bits of a vector to memory. */
  store(operand: Operand, value: Value): void {
    this.u.store("effective", this.u.address(operand), value);
  }

  x87Waits(): Value {
    return this.#scalar(1, { op: "x87Waits", width: 1 });
  }

  mxcsr(): Value {
    return this.#scalar(32, { op: "readMxcsr", width: 32 });
  }

  setMxcsr(value: Value): void {
    assert(value.width === 32, "MXCSR has 32 bits");
    this.u.append({ op: "writeMxcsr", value: value.id });
  }

  // Values.

  const(value: bigint): VectorValue {
    return this.#vector({ op: "vectorConst", width: 128, value: BigInt.asUintN(128, value) });
  }

  /** A constant from its lanes, the lowest first. */
  constLanes(lane: Lane, lanes: readonly number[]): VectorValue {
    let value = 0n;
    lanes.forEach((x, i) => {
      value |= BigInt.asUintN(lane, BigInt(x)) << BigInt(lane * i);
    });
    return this.const(value);
  }

  lanes(fn: LaneBinary | LaneReshaping, lane: Lane, a: VectorValue, b: VectorValue): VectorValue {
    return this.#vector({ op: "lanes", width: 128, fn, lane, a: a.id, b: b.id });
  }

  and(a: VectorValue, b: VectorValue): VectorValue {
    return this.lanes("and", 64, a, b);
  }

  or(a: VectorValue, b: VectorValue): VectorValue {
    return this.lanes("or", 64, a, b);
  }

  /** By a scalar of 64 bits; counts that are too large leave zeros, or the sign. */
  shift(fn: LaneShift, lane: Lane, a: VectorValue, count: Value): VectorValue {
    assert(count.width === 64, "a count has 64 bits");
    return this.#vector({ op: "laneShift", width: 128, fn, lane, a: a.id, count: count.id });
  }

  unary(fn: LaneUnary, lane: Lane, a: VectorValue, to: Lane = lane): VectorValue {
    return this.#vector({ op: "laneUnary", width: 128, fn, lane, to, a: a.id });
  }

  /** Bytes by number, of a from 0 and of b from 16. */
  shuffle(a: VectorValue, b: VectorValue, bytes: readonly number[]): VectorValue {
    assert(bytes.length === 16, "a shuffle names 16 bytes");
    return this.#vector({ op: "shuffle", width: 128, a: a.id, b: b.id, bytes });
  }

  /** Lanes by number, of a first and then of b. */
  shuffleLanes(
    lane: Lane,
    a: VectorValue,
    b: VectorValue,
    numbers: readonly number[],
  ): VectorValue {
    const size = lane / 8;
    const bytes = numbers.flatMap((n) => Array.from({ length: size }, (_, i) => n * size + i));
    return this.shuffle(a, b, bytes);
  }

  /** The bytes of a that the bytes of b name; zero for what is not below 16. */
  swizzle(a: VectorValue, b: VectorValue): VectorValue {
    return this.#vector({ op: "swizzle", width: 128, a: a.id, b: b.id });
  }

  /** The low bits of a scalar in every lane. */
  splat(lane: Lane, value: Value): VectorValue {
    const wide = this.u.zeroExtend(value, 64);
    return this.#vector({ op: "splat", width: 128, lane, value: wide.id });
  }

  join(low: Value, high: Value): VectorValue {
    assert(low.width === 64 && high.width === 64, "halves have 64 bits");
    return this.#vector({ op: "joinHalves", width: 128, low: low.id, high: high.id });
  }

  /** A scalar with zeros above. */
  fromScalar(value: Value): VectorValue {
    return this.join(this.u.zeroExtend(value, 64), this.u.const(64, 0));
  }

  extract(a: VectorValue, lane: Lane, index: number): Value {
    return this.#scalar(lane, { op: "extractLane", width: lane, a: a.id, index });
  }

  bitmask(lane: Lane, a: VectorValue): Value {
    return this.#scalar(32, { op: "bitmask", width: 32, lane, a: a.id });
  }

  /** Bits of a where the mask has ones, of b elsewhere. */
  choose(mask: VectorValue, a: VectorValue, b: VectorValue): VectorValue {
    return this.or(this.and(a, mask), this.lanes("andNot", 64, mask, b));
  }

  /** No bit is set, as a flag. */
  isZero(a: VectorValue): Value {
    return this.u.isZero(this.u.or(this.extract(a, 64, 0), this.extract(a, 64, 1)));
  }

  // Floating point.

  float(
    fn: FloatFunction,
    of: ScalarFormat | PackedFormat,
    a: VectorValue,
    b: VectorValue,
    control: Value | null = null,
  ): VectorValue {
    const control8 = control === null ? null : this.#control(control);
    const { format, packed } = of;
    return this.#vector({
      op: "float",
      width: 128,
      fn,
      format,
      packed,
      a: a.id,
      b: b.id,
      control: control8,
    });
  }

  /** A scalar result: flags in 8 bits, or an integer. */
  floatToScalar(
    fn: "compareOrdered" | "compareUnordered" | "toInteger" | "truncate",
    { format }: ScalarFormat,
    a: VectorValue,
    b: VectorValue,
    width: 8 | 32 | 64,
  ): Value {
    const [left, right] = [a.id, b.id];
    return this.#scalar(width, {
      op: "float",
      width,
      fn,
      format,
      packed: false,
      a: left,
      b: right,
      control: null,
    });
  }

  // Inside.

  #control(value: Value): number {
    assert(value.width === 8, "a control has 8 bits");
    return value.id;
  }

  #read(operand: Operand, aligned: boolean): VectorValue {
    if (operand.vector === "mmx") return this.fromScalar(this.#readMmx(operand));
    if (operand.place !== "memory")
      return this.#vector({ op: "readVector", width: 128, operand: operand.index });
    const offset = this.u.address(operand).id;
    return this.#vector({ op: "loadVector", width: 128, segment: "effective", offset, aligned });
  }

  /** In memory, as many bits as the form says, at any address. */
  #readMmx(operand: Operand): Value {
    if (operand.place !== "memory")
      return this.#scalar(64, { op: "readMmx", width: 64, operand: operand.index });
    const width = (operand.memoryWidth ?? 64) as 32 | 64;
    return this.u.load("effective", this.u.address(operand), width);
  }

  #write(operand: Operand, value: VectorValue, aligned: boolean): void {
    if (operand.vector === "mmx") {
      const low = this.extract(value, 64, 0);
      if (operand.place === "memory") this.store(operand, low);
      else this.u.append({ op: "writeMmx", operand: operand.index, value: low.id });
      return;
    }
    if (operand.place === "memory") {
      const offset = this.u.address(operand).id;
      const segment = "effective";
      this.u.append({ op: "storeVector", segment, offset, aligned, value: value.id });
    } else {
      this.u.append({ op: "writeVector", operand: operand.index, value: value.id });
    }
  }

  #vector(micro: MicroOp & { readonly width: 128 }): VectorValue {
    return { id: this.u.append(micro), width: 128 };
  }

  #scalar(width: Value["width"], micro: MicroOp): Value {
    return { id: this.u.append(micro), width };
  }
}
