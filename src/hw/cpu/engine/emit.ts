/**
 * Emits the handler of one form in one variant: a WebAssembly function of (cpu, record) that does what the micro-ops
 * say with the operands of the record, and goes on to the next record by a tail call.
 */

import { assert, unreachable } from "../../../sim/assert.ts";
import type { Form } from "../forms.ts";
import { gprNumber, OFFSET, segmentOffset } from "../state.ts";
import type { MicroOp, OperandWidth, PlainFault, SegmentChoice, Width } from "../uop.ts";
import { RANGES_FROM_BASE } from "./block-mode.ts";
import { CPU, emitGoto, HANDLER_TYPE, REC } from "./emit-control.ts";
import { readFlag, storeArithmeticFlags, storeFlags, storeLogicFlags } from "./emit-flags.ts";
import { isVectorMicroOp } from "../vector.ts";
import { emitVector, type VectorEmitter } from "./emit-vector.ts";
import { emitValue, wrap } from "./emit-values.ts";
import { CACHES, EXIT, type Level, RECORD, RECORD_BYTES, SCRATCH } from "./layout.ts";
import { importIndex } from "./imports.ts";
import { FunctionBody, I32, I64, type MemoryOpcode, V128 } from "./wasm.ts";

/** The last argument of a slow access: size in bytes, and these. */
export const SLOW_MODIFY = 0x100;
/** The segment is SS by name; otherwise the record's. */
export const SLOW_STACK = 0x200;

/** Codes of plain faults, as the host finds them in SCRATCH.fault. */
export const FAULT_CODES: readonly PlainFault[] = [
  "#DE",
  "#UD",
  "#GP(0)",
  "#BR",
  "#OF",
  "#NM",
  "#SS(0)",
];

export const PAGE_MASK = -4096n;

/** What a handler depends on beside form and variant. */
export interface Shape {
  /**
   * What becomes of an offset in the segment that prefixes and base choose: nothing; the base is added; or it is
   * checked too, and the sum has 32 bits.
   */
  readonly effective: "flat" | "based" | "checked";
  /** The same, in a segment that the instruction names. */
  readonly named: "flat" | "checked";
  /** Effective addresses have an index. */
  readonly indexed: boolean;
  /** Whose caches are used. */
  readonly level: Level;
}

export const LOADS: Readonly<Record<OperandWidth, MemoryOpcode>> = {
  8: "i64.load8_u",
  16: "i64.load16_u",
  32: "i64.load32_u",
  64: "i64.load",
};
export const STORES: Readonly<Record<OperandWidth, MemoryOpcode>> = {
  8: "i64.store8",
  16: "i64.store16",
  32: "i64.store32",
  64: "i64.store",
};

export function emitHandler(list: readonly MicroOp[], form: Form, shape: Shape): FunctionBody {
  return new HandlerEmitter(list, form, shape).emit();
}

class HandlerEmitter {
  readonly #list: readonly MicroOp[];
  readonly #form: Form;
  readonly #shape: Shape;
  readonly #body = new FunctionBody(2);
  /** By value: the local that holds it, i32 for one bit, i64 zero-extended for the rest. */
  readonly #locals: number[] = [];
  /** By offset value of a load with the intent to modify: the local with its address in memory, or 0. */
  readonly #places = new Map<number, number>();
  #ended = false;

  constructor(list: readonly MicroOp[], form: Form, shape: Shape) {
    this.#list = list;
    this.#form = form;
    this.#shape = shape;
  }

  emit(): FunctionBody {
    this.#list.forEach((micro, id) => {
      if ("width" in micro && !isCommit(micro)) {
        const local = this.#body.local(localType(micro.width));
        this.#locals[id] = local;
        this.#value(micro);
        this.#body.set(local);
      } else {
        this.#effect(micro);
      }
    });
    if (!this.#ended) this.#next();
    return this.#body;
  }

  #get(id: number): FunctionBody {
    return this.#body.get(this.#locals[id] as number);
  }

  /** Leaves the value of a micro-op on the stack. */
  #value(micro: MicroOp): void {
    const body = this.#body;
    if (isVectorMicroOp(micro)) {
      emitVector(micro, this.#vectorEmitter());
      return;
    }
    switch (micro.op) {
      case "const":
        if (micro.width === 1) body.i32(Number(micro.value));
        else body.i64(micro.value);
        return;
      case "immediate":
        this.#immediate(micro.operand, micro.width);
        return;
      case "readRegister":
        this.#registerAddress(micro.operand).memory(LOADS[micro.width]);
        return;
      case "readGpr":
        body.get(CPU).memory(LOADS[micro.width], OFFSET.gpr + 8 * gprNumber(micro.gpr));
        return;
      case "effectiveAddress":
        this.#effectiveAddress(micro.width);
        return;
      case "readFlag":
        readFlag(body, micro.flag);
        return;
      case "nextInstruction":
        body.get(REC).memory("i64.load", RECORD.nextRip);
        return;
      case "load":
        this.#load(micro);
        return;
      case "linearAddress":
        body.get(this.#sum(micro.offset, micro.segment));
        return;
      default:
        emitValue(this.#locals, body, micro);
    }
  }

  #effect(micro: MicroOp): void {
    const body = this.#body;
    if (isVectorMicroOp(micro)) {
      emitVector(micro, this.#vectorEmitter());
      return;
    }
    switch (micro.op) {
      case "faultIf":
        this.#get(micro.condition).if();
        body.get(CPU).i32(FAULT_CODES.indexOf(micro.fault)).memory("i32.store", SCRATCH.fault);
        this.#leave(EXIT.fault);
        body.op("end");
        return;
      case "leaveUndefined":
        return;
      case "finishIf":
        this.#get(micro.condition).if();
        this.#next();
        body.op("end");
        return;
      case "store":
        this.#store(micro);
        return;
      case "writeRegister":
        this.#registerAddress(micro.operand);
        this.#get(micro.value).memory(micro.width === 32 ? "i64.store" : STORES[micro.width]);
        return;
      case "writeGpr":
        body.get(CPU);
        this.#get(micro.value).memory(
          micro.width === 32 ? "i64.store" : STORES[micro.width],
          OFFSET.gpr + 8 * gprNumber(micro.gpr),
        );
        return;
      case "flagsOfAdd":
      case "flagsOfSub":
        storeArithmeticFlags(this.#locals, body, micro);
        return;
      case "flagsOfLogic":
        storeLogicFlags(this.#locals, body, micro);
        return;
      case "setFlags":
        storeFlags(this.#locals, body, micro);
        return;
      case "jump":
        this.#jump(micro.condition, micro.target);
        return;
      case "repeatIf":
        this.#get(micro.condition).if();
        this.#repeat();
        body.op("end");
        return;
      case "assistIf":
        this.#get(micro.condition).if();
        this.#leave(EXIT.assist);
        body.op("end");
        return;
      case "assist":
        this.#leave(EXIT.assist);
        this.#ended = true;
        return;
      default:
        unreachable(micro as never);
    }
  }

  #vectorEmitter(): VectorEmitter {
    return {
      body: this.#body,
      locals: this.#locals,
      registerAddress: (operand) => this.#registerAddress(operand),
      linear: (offset, segment, write) => this.#linear(offset, segment, 16, write),
      place: (linear, bytes, access) => this.#place(linear, bytes, access),
      slowArguments: (linear, bytes, flags) => this.#slowArguments(linear, bytes, flags),
      leave: (exit) => this.#leave(exit),
      giveUp: null,
    };
  }

  // Operands.

  #registerAddress(operand: number): FunctionBody {
    assert(operand < 2, "the registers of an instruction are its first two operands");
    return this.#body
      .get(REC)
      .memory("i32.load", operand === 0 ? RECORD.register0 : RECORD.register1);
  }

  #immediate(operand: number, width: Width): void {
    const before = this.#form.operands
      .slice(0, operand)
      .filter(({ kind }) => kind === "immediate").length;
    this.#body.get(REC);
    if (before === 0) this.#body.memory(LOADS[width as OperandWidth], RECORD.immediate);
    else this.#body.memory(width === 8 ? "i64.load8_u" : "i64.load32_u", RECORD.immediate2);
  }

  #effectiveAddress(width: Width): void {
    const body = this.#body;
    body.get(REC).memory("i32.load", RECORD.base).memory("i64.load");
    body.get(REC).memory("i64.load", RECORD.displacement).op("i64.add");
    if (this.#shape.indexed) {
      body.get(REC).memory("i32.load", RECORD.index).memory("i64.load");
      body.get(REC).memory("i64.load32_u", RECORD.scale).op("i64.shl", "i64.add");
    }
    wrap(body, width);
  }

  // Memory.

  /** Leaves the linear address in a local, without any check. */
  #sum(offset: number, segment: SegmentChoice): number {
    const body = this.#body;
    const { effective, named } = this.#shape;
    const treatment = segment === "effective" ? effective : named;
    if (treatment === "flat") return this.#locals[offset] as number;
    const linear = body.local(I64);
    this.#get(offset);
    this.#segmentBase(segment).memory("i64.load").op("i64.add");
    if (treatment === "checked") wrap(body, 32);
    body.set(linear);
    return linear;
  }

  /** Leaves the address of a segment's base on the stack. */
  #segmentBase(segment: SegmentChoice): FunctionBody {
    if (segment === "effective") return this.#body.get(REC).memory("i32.load", RECORD.segmentBase);
    return this.#body.get(CPU).i32(segmentOffset(segment)).op("i32.add");
  }

  /** Leaves the linear address of an access in a local, after the checks of its segment. */
  #linear(offset: number, segment: SegmentChoice, bytes: number, write: boolean): number {
    const body = this.#body;
    const { effective, named } = this.#shape;
    if ((segment === "effective" ? effective : named) === "checked") {
      const at = RANGES_FROM_BASE + (write ? 16 : 0);
      const base = body.local(I32);
      this.#segmentBase(segment).set(base);
      this.#get(offset).get(base).memory("i64.load", at).op("i64.lt_u");
      this.#get(offset)
        .i64(BigInt(bytes - 1))
        .op("i64.add");
      body
        .get(base)
        .memory("i64.load", at + 8)
        .op("i64.gt_u", "i32.or")
        .if();
      body.get(CPU).i32(FAULT_CODES.indexOf("#SS(0)")).i32(FAULT_CODES.indexOf("#GP(0)"));
      body.get(base).get(CPU).i32(segmentOffset("SS")).op("i32.add", "i32.eq", "select");
      body.memory("i32.store", SCRATCH.fault);
      this.#leave(EXIT.fault);
      body.op("end");
    }
    return this.#sum(offset, segment);
  }

  /** Leaves in a new local where the bytes lie in linear memory, or 0 when only the host can reach them. */
  #place(linear: number, bytes: number, access: "read" | "write"): number {
    const body = this.#body;
    const table = CACHES[this.#shape.level][access];
    const slot = body.local(I32);
    const page = body.local(I32);
    const place = body.local(I32);
    body.get(linear).i64(12n).op("i64.shr_u", "i32.wrap_i64").tee(page);
    body.get(page).i32(8).op("i32.shr_u", "i32.add").i32(255).op("i32.and").i32(4).op("i32.shl");
    body.get(CPU).op("i32.add").tee(slot).memory("i64.load", table);
    body.get(linear);
    if (bytes > 1) body.i64(BigInt(bytes - 1)).op("i64.add");
    body.i64(PAGE_MASK).op("i64.and", "i64.eq").if(I32);
    body
      .get(slot)
      .memory("i32.load", table + 8)
      .get(linear)
      .op("i32.wrap_i64", "i32.add");
    body.op("else").i32(0).op("end").set(place);
    return place;
  }

  #slowArguments(linear: number, bytes: number, flags: number): void {
    const body = this.#body;
    body.get(CPU).get(REC);
    body.get(linear).op("i32.wrap_i64").get(linear).i64(32n).op("i64.shr_u", "i32.wrap_i64");
    body.i32(bytes | flags);
  }

  #load(micro: MicroOp & { op: "load" }): void {
    const body = this.#body;
    const bytes = micro.width / 8;
    const modify = micro.intent === "modify";
    const linear = this.#linear(micro.offset, micro.segment, bytes, modify);
    const place = this.#place(linear, bytes, modify ? "write" : "read");
    if (modify) this.#places.set(micro.offset, place);
    body.get(place).if(I64);
    body.get(place).memory(LOADS[micro.width]).op("else");
    const flags = (modify ? SLOW_MODIFY : 0) | (micro.segment === "SS" ? SLOW_STACK : 0);
    this.#slowArguments(linear, bytes, flags);
    body.call(importIndex("slowRead")).if();
    this.#leave(EXIT.fault);
    body.op("end").get(CPU).memory(LOADS[micro.width], SCRATCH.value).op("end");
  }

  #store(micro: MicroOp & { op: "store" }): void {
    const body = this.#body;
    const bytes = micro.width / 8;
    const linear = this.#linear(micro.offset, micro.segment, bytes, true);
    const place = this.#places.get(micro.offset) ?? this.#place(linear, bytes, "write");
    body.get(place).if();
    body.get(place);
    this.#get(micro.value).memory(STORES[micro.width]).op("else");
    body.get(CPU);
    this.#get(micro.value).memory("i64.store", SCRATCH.value);
    this.#slowArguments(linear, bytes, micro.segment === "SS" ? SLOW_STACK : 0);
    body.call(importIndex("slowWrite")).if();
    this.#leave(EXIT.fault);
    body.op("end", "end");
  }

  // Control.

  #leave(exit: number): void {
    const body = this.#body;
    body.get(CPU).get(REC).memory("i32.store", SCRATCH.record);
    body.i32(exit).op("return");
  }

  /** Goes on with the record that follows. */
  #next(): void {
    const body = this.#body;
    body.get(CPU).get(REC).i32(RECORD_BYTES).op("i32.add");
    body
      .get(REC)
      .memory("i32.load", RECORD_BYTES + RECORD.handler)
      .tailCallIndirect(HANDLER_TYPE);
  }

  /** The record again, if the budget covers it. */
  #repeat(): void {
    const body = this.#body;
    const left = body.local(I32);
    body.get(CPU).memory("i32.load", SCRATCH.budget);
    body
      .get(REC)
      .memory("i32.load", RECORD.cycles)
      .op("i32.sub")
      .tee(left)
      .i32(0)
      .op("i32.lt_s")
      .if();
    this.#leave(EXIT.repeat);
    body.op("end").get(CPU).get(left).memory("i32.store", SCRATCH.budget);
    body
      .get(CPU)
      .get(REC)
      .get(REC)
      .memory("i32.load", RECORD.handler)
      .tailCallIndirect(HANDLER_TYPE);
  }

  #jump(condition: number | null, target: number): void {
    const body = this.#body;
    const rip = body.local(I64);
    this.#get(target);
    if (condition !== null) {
      body.get(REC).memory("i64.load", RECORD.nextRip);
      this.#get(condition).op("select");
    }
    body.set(rip);
    emitGoto(body, rip, this.#shape.level);
    this.#ended = true;
  }
}

export const localType = (width: Width | 128): number =>
  width === 1 ? I32 : width === 128 ? V128 : I64;

export const isCommit = (micro: MicroOp): boolean =>
  micro.op === "store" || micro.op === "writeRegister" || micro.op === "writeGpr";
