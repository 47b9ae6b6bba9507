/**
 * The reference evaluator: one instruction at a time, micro-op by micro-op, on BigInt. Slow and obvious; every other
 * engine is compared with it.
 */

import { unreachable } from "../../sim/assert.ts";
import { effectiveAddress, linearAddress, segmentOf, segmentSum } from "./addressing.ts";
import { AssistContext, type AssistFunction } from "./assist.ts";
import { cyclesOf } from "./cycles.ts";
import { decodeAt } from "./decode-at.ts";
import type { Decoded, OperandValue } from "./decode.ts";
import type { Engine, EngineParts } from "./engine/engine.ts";
import { type Fault, plainFault } from "./fault.ts";
import type { Form } from "./forms.ts";
import { record } from "./instruction.ts";
import { isFault, type LinearMemory } from "./mmu.ts";
import { is64Bit, stackSizeOf } from "./mode.ts";
import type { Variant } from "./semantics.ts";
import { type CpuState, gprNumber } from "./state.ts";
import {
  type Binary,
  type Compare,
  type MicroOp,
  type OperandWidth,
  OPEN_FLAGS,
  type OpenFlag,
  type SegmentChoice,
  type StatusFlag,
  type Unary,
  type Width,
} from "./uop.ts";
import { isVectorMicroOp, type VectorMicroOp } from "./vector.ts";
import { evaluateVector } from "./vector-evaluation.ts";

const mask = (width: number): bigint => (1n << BigInt(width)) - 1n;
const msb = (value: bigint, width: number): bigint => (value >> BigInt(width - 1)) & 1n;
const signed = (value: bigint, width: number): bigint => BigInt.asIntN(width, value);

export class ReferenceCpu implements Engine {
  readonly state: CpuState;
  readonly #parts: EngineParts;
  #undefinedFlags: readonly StatusFlag[] = [];

  constructor(parts: EngineParts) {
    this.state = parts.state;
    this.#parts = parts;
  }

  /** The flags that the manual leaves undefined after the last instruction. */
  get undefinedFlags(): readonly StatusFlag[] {
    return this.#undefinedFlags;
  }

  run(limit: number): Fault | null {
    const { state } = this;
    state.attention = false;
    let fault: Fault | null = null;
    while (fault === null && state.cycles < limit && !state.attention) fault = this.step();
    return fault;
  }

  /** Executes one instruction, or one iteration of a repeated one. On a fault nothing has changed. */
  step(): Fault | null {
    const fetched = decodeAt(this.#parts);
    if ("vector" in fetched) return fetched;
    const { decoded } = fetched;
    const evaluation = new Evaluation(this.#parts, decoded);
    const raised = evaluation.run();
    this.#undefinedFlags = evaluation.undefinedFlags;
    if (raised === null) this.state.cycles += evaluation.cycles;
    return raised;
  }
}

/** What a form says in one variant, which is always the same. */
interface Recorded {
  readonly variant: Variant;
  readonly list: readonly MicroOp[];
  readonly cycles: number;
}

const RECORDED = new WeakMap<Form, Recorded[]>();

function recordedOf({ instruction, form }: Decoded, variant: Variant): Recorded {
  let all = RECORDED.get(form);
  if (all === undefined) RECORDED.set(form, (all = []));
  const known = all.find((one) => isSame(one.variant, variant));
  if (known !== undefined) return known;
  const list = record(instruction, form, variant);
  const recorded = { variant, list, cycles: cyclesOf(form.mnemonic, list) };
  all.push(recorded);
  return recorded;
}

const isSame = (a: Variant, b: Variant): boolean =>
  a.memory === b.memory &&
  a.operandSize === b.operandSize &&
  a.addressSize === b.addressSize &&
  a.stackSize === b.stackSize &&
  a.repeat === b.repeat;

/** One instruction being executed. */
class Evaluation {
  readonly #parts: EngineParts;
  readonly #state: CpuState;
  readonly #memory: LinearMemory;
  readonly #decoded: Decoded;
  readonly #variant: Variant;
  readonly #nextRip: bigint;
  readonly #recorded: Recorded;
  readonly #values: bigint[] = [];
  readonly undefinedFlags: StatusFlag[];
  #rip: bigint;

  constructor(parts: EngineParts, decoded: Decoded) {
    const { state, memory } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#memory = memory;
    this.#decoded = decoded;
    this.#variant = variantOf(decoded, stackSizeOf(state));
    this.undefinedFlags = [...(decoded.instruction.undefined ?? [])];
    this.#nextRip = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.rip + BigInt(decoded.length));
    this.#rip = this.#nextRip;
    this.#recorded = recordedOf(decoded, this.#variant);
  }

  get cycles(): number {
    return this.#recorded.cycles;
  }

  run(): Fault | null {
    for (const micro of this.#recorded.list) {
      const result = this.#execute(micro);
      if (result === "finish") break;
      if (isFault(result)) return result;
      this.#values.push(result);
    }
    this.#state.rip = this.#rip;
    return null;
  }

  #value(id: number): bigint {
    return this.#values[id] as bigint;
  }

  #execute(micro: MicroOp): bigint | Fault | "finish" {
    if (isVectorMicroOp(micro)) {
      const value = (id: number): bigint => this.#value(id);
      const [state, memory, decoded] = [this.#state, this.#memory, this.#decoded];
      return evaluateVector(micro, { state, memory, decoded, value });
    }
    switch (micro.op) {
      case "const":
        return micro.value;
      case "immediate":
        return this.#immediate(this.#decoded.operands[micro.operand] as OperandValue, micro);
      case "readRegister":
        return this.#readRegister(micro.operand, micro.width);
      case "readGpr":
        return this.#state.gpr(gprNumber(micro.gpr)) & mask(micro.width);
      case "effectiveAddress":
        return (
          effectiveAddress(this.#state, this.#decoded, micro.operand, this.#nextRip) &
          mask(micro.width)
        );
      case "readFlag":
        return (this.#state.rflags >> BigInt(OPEN_FLAGS[micro.flag])) & 1n;
      case "nextInstruction":
        return this.#nextRip;
      case "codeLimit":
        return BigInt(this.#state.segment("CS").limit);
      case "readControl":
        return this.#state.control(micro.register);
      case "load":
        return this.#load(micro.segment, this.#value(micro.offset), micro.width, micro.intent);
      case "binary":
        return binary(micro.fn, this.#value(micro.a), this.#value(micro.b), micro.width);
      case "unary":
        return unary(micro.fn, this.#value(micro.a), micro.width);
      case "compare":
        return compare(micro.fn, this.#value(micro.a), this.#value(micro.b), micro.of) ? 1n : 0n;
      case "extend":
        return micro.signed
          ? BigInt.asUintN(micro.width, signed(this.#value(micro.a), micro.from))
          : this.#value(micro.a);
      case "truncate":
        return this.#value(micro.a) & mask(micro.width);
      case "divide":
        return divide(
          micro.part,
          this.#value(micro.high),
          this.#value(micro.low),
          this.#value(micro.divisor),
          micro.width,
        );
      case "linearAddress":
        return segmentSum(
          this.#state,
          segmentOf(this.#decoded, micro.segment),
          this.#value(micro.offset),
        );
      case "select":
        return this.#value(micro.condition) === 1n ? this.#value(micro.a) : this.#value(micro.b);
      default:
        return this.#commit(micro);
    }
  }

  #commit(micro: Exclude<MicroOp, VectorMicroOp>): bigint | Fault | "finish" {
    switch (micro.op) {
      case "faultIf":
        return this.#value(micro.condition) === 1n ? plainFault(micro.fault) : 0n;
      case "leaveUndefined":
        if (this.#value(micro.condition) === 1n) this.undefinedFlags.push(...micro.flags);
        return 0n;
      case "finishIf":
        return this.#value(micro.condition) === 1n ? "finish" : 0n;
      case "store":
        return this.#store(
          micro.segment,
          this.#value(micro.offset),
          micro.width,
          this.#value(micro.value),
        );
      case "writeRegister":
        this.#writeRegister(micro.operand, micro.width, this.#value(micro.value));
        return 0n;
      case "writeGpr":
        this.#writeGpr(gprNumber(micro.gpr), micro.width, this.#value(micro.value));
        return 0n;
      case "flagsOfAdd":
      case "flagsOfSub":
        this.#arithmeticFlags(
          micro.op,
          micro.of,
          this.#value(micro.a),
          this.#value(micro.b),
          this.#value(micro.result),
        );
        return 0n;
      case "flagsOfLogic":
        this.#setFlags({
          CF: 0n,
          OF: 0n,
          AF: 0n,
          ...resultFlags(this.#value(micro.result), micro.of),
        });
        return 0n;
      case "setFlags":
        this.#setFlags({
          ...(micro.result === null ? {} : resultFlags(this.#value(micro.result), micro.of)),
          ...mapFlags(micro.flags, (id) => this.#value(id)),
        });
        return 0n;
      case "jump":
        if (micro.condition === null || this.#value(micro.condition) === 1n)
          this.#rip = this.#value(micro.target);
        return 0n;
      case "repeatIf":
        if (this.#value(micro.condition) === 1n) this.#rip = this.#state.rip;
        return 0n;
      case "assist":
        return this.#assist(micro.run);
      case "assistIf": {
        if (this.#value(micro.condition) === 0n) return 0n;
        const result = this.#assist(micro.run);
        return isFault(result) ? result : "finish";
      }
      default:
        return unreachable(micro as never);
    }
  }

  /** Relative operands are the target's address, truncated to the operand size. */
  #immediate(operand: OperandValue, micro: MicroOp & { op: "immediate" }): bigint {
    const value = operand.is === "immediate" ? operand.value : 0n;
    const { kind } = this.#decoded.form.operands[micro.operand] as { kind: string };
    if (kind !== "relative") return value & mask(micro.width);
    return (this.#nextRip + value) & mask(this.#variant.operandSize);
  }

  #readRegister(operand: number, width: OperandWidth): bigint {
    const value = this.#decoded.operands[operand] as OperandValue;
    const { number, high } = (value as OperandValue & { is: "register" }).register;
    if (high) return BigInt(this.#state.gpr8(number, true));
    return this.#state.gpr(number) & mask(width);
  }

  #writeRegister(operand: number, width: OperandWidth, value: bigint): void {
    const target = this.#decoded.operands[operand] as OperandValue & { is: "register" };
    const { number, high } = target.register;
    if (high) this.#state.setGpr8(number, true, Number(value));
    else this.#writeGpr(number, width, value);
  }

  /** SDM Vol. 1, "General-Purpose Registers in 64-Bit Mode": 32 bits clear the upper half, 8 and 16 keep it. */
  #writeGpr(number: number, width: OperandWidth, value: bigint): void {
    const kept = width >= 32 ? 0n : this.#state.gpr(number) & ~mask(width);
    this.#state.setGpr(number, kept | value);
  }

  #assist(run: AssistFunction): bigint | Fault {
    const { rip } = this.#state;
    this.#state.rip = this.#nextRip;
    const fault = run(new AssistContext(this.#parts, this.#decoded, this.#nextRip));
    this.#rip = this.#state.rip;
    this.#state.rip = rip;
    return fault ?? 0n;
  }

  #linear(
    segment: SegmentChoice,
    offset: bigint,
    width: OperandWidth,
    write: boolean,
  ): bigint | Fault {
    const name = segmentOf(this.#decoded, segment);
    return linearAddress(this.#state, name, offset, width / 8, write);
  }

  #load(
    segment: SegmentChoice,
    offset: bigint,
    width: OperandWidth,
    intent: "read" | "modify",
  ): bigint | Fault {
    const linear = this.#linear(segment, offset, width, intent === "modify");
    return isFault(linear) ? linear : this.#memory.read(linear, width / 8, intent);
  }

  #store(
    segment: SegmentChoice,
    offset: bigint,
    width: OperandWidth,
    value: bigint,
  ): bigint | Fault {
    const linear = this.#linear(segment, offset, width, true);
    if (isFault(linear)) return linear;
    return this.#memory.write(linear, width / 8, value) ?? 0n;
  }

  #arithmeticFlags(
    op: "flagsOfAdd" | "flagsOfSub",
    width: number,
    a: bigint,
    b: bigint,
    result: bigint,
  ): void {
    // The carry in, or the borrow, is what the result has beyond a + b or a - b.
    const exact = op === "flagsOfAdd" ? a + b : a - b;
    const carryIn = op === "flagsOfAdd" ? (result - exact) & 1n : (exact - result) & 1n;
    const unsignedResult = op === "flagsOfAdd" ? exact + carryIn : exact - carryIn;
    const signedA = signed(a, width);
    const signedB = signed(b, width);
    const signedResult =
      op === "flagsOfAdd" ? signedA + signedB + carryIn : signedA - signedB - carryIn;
    const low =
      op === "flagsOfAdd" ? (a & 15n) + (b & 15n) + carryIn : (a & 15n) - (b & 15n) - carryIn;
    this.#setFlags({
      CF: unsignedResult < 0n || unsignedResult > mask(width) ? 1n : 0n,
      OF: signed(result, width) === signedResult ? 0n : 1n,
      AF: low < 0n || low > 15n ? 1n : 0n,
      ...resultFlags(result, width),
    });
  }

  #setFlags(flags: Partial<Record<OpenFlag, bigint>>): void {
    let { rflags } = this.#state;
    for (const [flag, value] of Object.entries(flags)) {
      const bit = 1n << BigInt(OPEN_FLAGS[flag as OpenFlag]);
      rflags = value === 1n ? rflags | bit : rflags & ~bit;
    }
    this.#state.rflags = rflags;
  }
}

export function variantOf(decoded: Decoded, stackSize: 16 | 32 | 64): Variant {
  return {
    memory: decoded.operands.some(({ is }) => is === "memory"),
    operandSize: decoded.operandSize,
    addressSize: decoded.addressSize,
    stackSize,
    repeat: decoded.repeat,
  };
}

function resultFlags(result: bigint, width: number): { SF: bigint; ZF: bigint; PF: bigint } {
  const ones = unary("popcnt", result & 0xffn, 8);
  return { SF: msb(result, width), ZF: result === 0n ? 1n : 0n, PF: (ones & 1n) ^ 1n };
}

function mapFlags(
  flags: Readonly<Partial<Record<OpenFlag, number>>>,
  value: (id: number) => bigint,
): Partial<Record<OpenFlag, bigint>> {
  const mapped: Partial<Record<OpenFlag, bigint>> = {};
  for (const [flag, id] of Object.entries(flags)) mapped[flag as OpenFlag] = value(id);
  return mapped;
}

export function binary(fn: Binary, a: bigint, b: bigint, width: number): bigint {
  const wrap = (value: bigint): bigint => BigInt.asUintN(width, value);
  switch (fn) {
    case "add":
      return wrap(a + b);
    case "sub":
      return wrap(a - b);
    case "mul":
      return wrap(a * b);
    case "mulHighUnsigned":
      return wrap((a * b) >> BigInt(width));
    case "mulHighSigned":
      return wrap((signed(a, width) * signed(b, width)) >> BigInt(width));
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return wrap(a << b);
    case "shr":
      return a >> b;
    case "sar":
      return wrap(signed(a, width) >> b);
  }
}

export function divide(
  part: "quotient" | "remainder",
  high: bigint,
  low: bigint,
  divisor: bigint,
  width: number,
): bigint {
  const dividend = (high << BigInt(width)) | low;
  return part === "quotient" ? dividend / divisor : dividend % divisor;
}

export function unary(fn: Unary, a: bigint, width: Width): bigint {
  switch (fn) {
    case "not":
      return ~a & mask(width);
    case "popcnt":
      return BigInt(a.toString(2).replaceAll("0", "").length);
    case "clz":
      return BigInt(width - (a === 0n ? 0 : a.toString(2).length));
    case "ctz":
      return a === 0n ? BigInt(width) : BigInt((a & -a).toString(2).length - 1);
    case "byteSwap": {
      let swapped = 0n;
      for (let i = 0; i < width; i += 8) swapped = (swapped << 8n) | ((a >> BigInt(i)) & 0xffn);
      return swapped;
    }
  }
}

export function compare(fn: Compare, a: bigint, b: bigint, width: Width): boolean {
  if (fn === "eq") return a === b;
  return fn === "ltu" ? a < b : signed(a, width) < signed(b, width);
}
