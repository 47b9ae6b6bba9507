/**
 * The recorder behind every semantics function: its methods append micro-ops and check widths as they do. Called
 * `u` where instructions are written.
 */

import { assert } from "../../sim/assert.ts";
import type { AssistFunction } from "./assist.ts";
import type { OperandSpec } from "./forms.ts";
import {
  type Binary,
  type Compare,
  type GprName,
  type MicroOp,
  type OpenFlag,
  type OperandWidth,
  orderFault,
  type PlainFault,
  type SegmentChoice,
  type StatusFlag,
  type Unary,
  type Value,
  type Width,
} from "./uop.ts";

/** What is fixed when a form is recorded, beside its operands. */
export interface Variant {
  /** The r/m operand is in memory. */
  readonly memory: boolean;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  /** The width of the stack pointer in use. */
  readonly stackSize: 16 | 32 | 64;
  readonly repeat: "none" | "rep" | "repne";
}

/** An operand as semantics see it. */
export interface Operand {
  readonly index: number;
  readonly width: OperandWidth;
  readonly place: "register" | "memory" | "immediate" | "gpr";
  readonly gpr?: GprName;
  /** Of which file of registers the operand is, if it is a vector. */
  readonly vector?: "mmx" | "xmm";
  /** Bits of an operand in memory, where it is a vector. */
  readonly memoryWidth?: number;
}

export function operandOf(spec: OperandSpec, index: number, variant: Variant): Operand {
  const width = (spec.width === 0 ? variant.operandSize : spec.width) as OperandWidth;
  switch (spec.kind) {
    case "fixedGpr":
      return { index, width, place: "gpr", gpr: spec.gpr as GprName };
    case "immediate":
    case "one":
    case "relative":
      return { index, width, place: "immediate" };
    case "memory":
    case "moffs":
      return { index, width, place: "memory" };
    case "rm":
      return { index, width, place: variant.memory ? "memory" : "register" };
    case "xmmRm":
    case "mmxRm": {
      const vector = spec.kind === "xmmRm" ? "xmm" : "mmx";
      const place = variant.memory ? "memory" : "register";
      return { index, width, place, vector, memoryWidth: spec.memoryWidth };
    }
    case "xmmReg":
    case "mmxReg":
      return { index, width, place: "register", vector: spec.kind === "xmmReg" ? "xmm" : "mmx" };
    default:
      return { index, width, place: "register" };
  }
}

export class Semantics {
  readonly variant: Variant;
  readonly #list: MicroOp[] = [];
  readonly #addresses = new Map<number, Value>();
  readonly #loads = new Map<number, number>();

  constructor(variant: Variant) {
    this.variant = variant;
  }

  /** The finished list. Throws when it breaks the order of faults and commits. */
  finish(): readonly MicroOp[] {
    const fault = orderFault(this.#list);
    assert(fault === null, `a faulting instruction commits nothing: ${fault ?? ""}`);
    return this.#list;
  }

  // Operands.

  read(operand: Operand): Value {
    const { index, width, place } = operand;
    if (place === "gpr") return this.gpr(operand.gpr as GprName, width);
    if (place === "immediate") return this.#value({ op: "immediate", width, operand: index });
    if (place === "register") return this.#value({ op: "readRegister", width, operand: index });
    return this.load("effective", this.address(operand), width);
  }

  /** A read with the sign extended to `width`: immediates are written shorter than what they act on. */
  readSigned(operand: Operand, width: OperandWidth): Value {
    const value = this.read(operand);
    return value.width === width ? value : this.signExtend(value, width);
  }

  /** A write of 32 bits to a general-purpose register clears its upper half in 64-bit mode; engines see to that. */
  write(operand: Operand, value: Value): void {
    const { index, width, place } = operand;
    assert(value.width === width, "an operand is written in its width");
    if (place === "gpr") {
      this.setGpr(operand.gpr as GprName, value);
    } else if (place === "register") {
      this.#list.push({ op: "writeRegister", width, operand: index, value: value.id });
    } else {
      assert(place === "memory", "an immediate is not written");
      this.store("effective", this.address(operand), value);
    }
  }

  /** A write that leaves all of the register as it was when the condition does not hold. */
  writeIf(condition: Value, operand: Operand, value: Value): void {
    const whole = operand.width === 32 ? { ...operand, width: 64 as const } : operand;
    const old = this.read(whole);
    this.write(whole, this.select(condition, this.zeroExtend(value, whole.width), old));
  }

  /** The offset of a memory operand in its segment, of the address size. */
  address(operand: Operand): Value {
    let offset = this.#addresses.get(operand.index);
    if (offset === undefined) {
      const width = this.variant.addressSize;
      offset = this.#value({ op: "effectiveAddress", width, operand: operand.index });
      this.#addresses.set(operand.index, offset);
    }
    return offset;
  }

  gpr(gpr: GprName, width: OperandWidth): Value {
    return this.#value({ op: "readGpr", width, gpr });
  }

  setGpr(gpr: GprName, value: Value): void {
    this.#list.push({ op: "writeGpr", width: wide(value), gpr, value: value.id });
  }

  // Memory.

  load(segment: SegmentChoice, offset: Value, width: OperandWidth): Value {
    this.#loads.set(offset.id, this.#list.length);
    return this.#value({ op: "load", width, segment, offset: offset.id, intent: "read" });
  }

  /** Segment base and offset, for checks of alignment. */
  linear(segment: SegmentChoice, offset: Value): Value {
    return this.#value({ op: "linearAddress", width: 64, segment, offset: offset.id });
  }

  store(segment: SegmentChoice, offset: Value, value: Value): void {
    // A place that was read before is being modified: the read needs the right to write.
    const at = this.#loads.get(offset.id);
    const before = at === undefined ? undefined : this.#list[at];
    if (at !== undefined && before?.op === "load") this.#list[at] = { ...before, intent: "modify" };
    this.#list.push({
      op: "store",
      width: wide(value),
      segment,
      offset: offset.id,
      value: value.id,
    });
  }

  /** Pushes a value and leaves the new stack pointer in rSP. */
  push(value: Value): void {
    const size = this.variant.stackSize;
    const top = this.sub(this.gpr("rSP", size), this.const(size, wide(value) / 8));
    this.store("SS", top, value);
    this.setGpr("rSP", top);
  }

  /** Reads the top of the stack; `drop` then moves the stack pointer. */
  top(width: OperandWidth): Value {
    return this.load("SS", this.gpr("rSP", this.variant.stackSize), width);
  }

  drop(bytes: number | Value): void {
    const size = this.variant.stackSize;
    const by = typeof bytes === "number" ? this.const(size, bytes) : this.resize(bytes, size);
    this.setGpr("rSP", this.add(this.gpr("rSP", size), by));
  }

  // Values.

  const(width: Width, value: number | bigint): Value {
    return this.#value({ op: "const", width, value: BigInt.asUintN(width, BigInt(value)) });
  }

  add(a: Value, b: Value): Value {
    return this.#binary("add", a, b);
  }

  sub(a: Value, b: Value): Value {
    return this.#binary("sub", a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.#binary("mul", a, b);
  }

  mulHighUnsigned(a: Value, b: Value): Value {
    return this.#binary("mulHighUnsigned", a, b);
  }

  mulHighSigned(a: Value, b: Value): Value {
    return this.#binary("mulHighSigned", a, b);
  }

  and(a: Value, b: Value): Value {
    return this.#binary("and", a, b);
  }

  or(a: Value, b: Value): Value {
    return this.#binary("or", a, b);
  }

  xor(a: Value, b: Value): Value {
    return this.#binary("xor", a, b);
  }

  /** Shift counts have the width of what is shifted and are below 64. */
  shl(a: Value, count: Value): Value {
    return this.#binary("shl", a, count);
  }

  shr(a: Value, count: Value): Value {
    return this.#binary("shr", a, count);
  }

  sar(a: Value, count: Value): Value {
    return this.#binary("sar", a, count);
  }

  /** One part of high:low divided by an unsigned divisor that is above the high half. */
  divide(part: "quotient" | "remainder", high: Value, low: Value, divisor: Value): Value {
    const width = wide(divisor);
    assert(high.width === width && low.width === width, "a dividend has two halves of one width");
    const [h, l, d] = [high.id, low.id, divisor.id];
    return this.#value({ op: "divide", width, part, high: h, low: l, divisor: d });
  }

  not(a: Value): Value {
    return this.unary("not", a);
  }

  neg(a: Value): Value {
    return this.sub(this.const(a.width, 0), a);
  }

  unary(fn: Unary, a: Value): Value {
    return this.#value({ op: "unary", width: a.width, fn, a: a.id });
  }

  eq(a: Value, b: Value): Value {
    return this.#compare("eq", a, b);
  }

  isZero(a: Value): Value {
    return this.eq(a, this.const(a.width, 0));
  }

  isNotZero(a: Value): Value {
    return this.not(this.isZero(a));
  }

  ltu(a: Value, b: Value): Value {
    return this.#compare("ltu", a, b);
  }

  lts(a: Value, b: Value): Value {
    return this.#compare("lts", a, b);
  }

  zeroExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.#extend(a, width, false);
  }

  signExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.#extend(a, width, true);
  }

  truncate(a: Value, width: Width): Value {
    assert(width <= a.width, "a truncation makes no value wider");
    return a.width === width ? a : this.#value({ op: "truncate", width, a: a.id });
  }

  /** Bit `index` of a value. */
  bit(a: Value, index: number): Value {
    const shifted = index === 0 ? a : this.shr(a, this.const(a.width, index));
    return this.truncate(shifted, 1);
  }

  msb(a: Value): Value {
    return this.bit(a, a.width - 1);
  }

  select(condition: Value, a: Value, b: Value): Value {
    assert(
      condition.width === 1 && a.width === b.width,
      "a selection is between values of one width",
    );
    return this.#value({ op: "select", width: a.width, condition: condition.id, a: a.id, b: b.id });
  }

  /** A value made to fit: extended with zeros, or cut off. */
  resize(a: Value, width: Width): Value {
    return a.width < width ? this.zeroExtend(a, width) : this.truncate(a, width);
  }

  nextInstruction(): Value {
    return this.#value({ op: "nextInstruction", width: 64 });
  }

  // Flags.

  flag(flag: OpenFlag): Value {
    return this.#value({ op: "readFlag", width: 1, flag });
  }

  /** All six flags of a + b + carry = result (SDM Vol. 1, "Status Flags"). */
  flagsOfAdd(a: Value, b: Value, result: Value): void {
    this.#list.push({ op: "flagsOfAdd", of: wide(result), a: a.id, b: b.id, result: result.id });
  }

  /** All six flags of a - b - borrow = result. */
  flagsOfSub(a: Value, b: Value, result: Value): void {
    this.#list.push({ op: "flagsOfSub", of: wide(result), a: a.id, b: b.id, result: result.id });
  }

  /** SF, ZF and PF of the result; CF, OF and AF are cleared. */
  flagsOfLogic(result: Value): void {
    this.#list.push({ op: "flagsOfLogic", of: wide(result), result: result.id });
  }

  /** Sets the flags named, and SF, ZF and PF by `result` where one is given; the others stay. */
  setFlags(flags: Readonly<Partial<Record<OpenFlag, Value>>>, result: Value | null = null): void {
    const ids: Partial<Record<OpenFlag, number>> = {};
    for (const [flag, value] of Object.entries(flags)) {
      assert(value.width === 1, "a flag is one bit");
      ids[flag as OpenFlag] = value.id;
    }
    const of = result === null ? 8 : wide(result);
    this.#list.push({ op: "setFlags", flags: ids, result: result?.id ?? null, of });
  }

  /** Flags that the manual leaves undefined when the condition holds; they still get the values they are set to. */
  leaveUndefined(condition: Value, flags: readonly StatusFlag[]): void {
    this.#list.push({ op: "leaveUndefined", condition: condition.id, flags });
  }

  // Control.

  faultIf(condition: Value, fault: PlainFault): void {
    this.#list.push({ op: "faultIf", condition: condition.id, fault });
  }

  finishIf(condition: Value): void {
    this.#list.push({ op: "finishIf", condition: condition.id });
  }

  /** Faults when a branch to `target` would, if it is taken: when it is not canonical, or beyond the limit of CS. */
  checkTarget(target: Value, taken: Value | null = null): void {
    const isBad = target.width === 64 ? this.#isNotCanonical(target) : this.#isBeyondCode(target);
    this.faultIf(taken === null ? isBad : this.and(taken, isBad), "#GP(0)");
  }

  /** Goes to a target that has been checked. */
  jump(target: Value): void {
    this.#list.push({ op: "jump", condition: null, target: this.zeroExtend(target, 64).id });
  }

  jumpIf(condition: Value, target: Value): void {
    const to = this.zeroExtend(target, 64);
    this.#list.push({ op: "jump", condition: condition.id, target: to.id });
  }

  repeatIf(condition: Value): void {
    this.#list.push({ op: "repeatIf", condition: condition.id });
  }

  /** The rest of the instruction is a function; it comes last. */
  assist(run: AssistFunction): void {
    this.#list.push({ op: "assist", run });
  }

  /** A function does all of the instruction instead of what follows. */
  assistIf(condition: Value, run: AssistFunction): void {
    this.#list.push({ op: "assistIf", condition: condition.id, run });
  }

  /** Appends a micro-op; returns its place. For the recorder of vectors. */
  append(micro: MicroOp): number {
    this.#list.push(micro);
    return this.#list.length - 1;
  }

  control(register: "CR0" | "CR4"): Value {
    return this.#value({ op: "readControl", width: 64, register });
  }

  // Inside.

  #isNotCanonical(target: Value): Value {
    const shift = this.const(64, 16);
    return this.not(this.eq(this.sar(this.shl(target, shift), shift), target));
  }

  #isBeyondCode(target: Value): Value {
    return this.ltu(this.#value({ op: "codeLimit", width: 32 }), this.zeroExtend(target, 32));
  }

  #value(micro: MicroOp & { readonly width: Width }): Value {
    this.#list.push(micro);
    return { id: this.#list.length - 1, width: micro.width };
  }

  #binary(fn: Binary, a: Value, b: Value): Value {
    assert(a.width === b.width, `${fn} is of values of one width`);
    return this.#value({ op: "binary", width: a.width, fn, a: a.id, b: b.id });
  }

  #compare(fn: Compare, a: Value, b: Value): Value {
    assert(a.width === b.width, `${fn} is of values of one width`);
    return this.#value({ op: "compare", width: 1, fn, a: a.id, b: b.id, of: a.width });
  }

  #extend(a: Value, width: Width, signed: boolean): Value {
    assert(width > a.width, "an extension makes a value wider");
    return this.#value({ op: "extend", width, signed, a: a.id, from: a.width });
  }
}

function wide(value: Value): OperandWidth {
  assert(value.width !== 1, "a value of one bit is no operand");
  return value.width;
}
