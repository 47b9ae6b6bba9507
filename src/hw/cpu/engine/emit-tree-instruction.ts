/** One instruction of a tree: its micro-ops with the operands that it was decoded with, as far as possible constants. */

import type { Decoded } from "../decode.ts";
import { displacementOf } from "../decode.ts";
import { OFFSET, segmentOffset } from "../state.ts";
import type { MicroOp, StatusFlag, Width } from "../uop.ts";
import { isVectorMicroOp } from "../vector.ts";
import type { Block, BlockInstruction } from "./blocks.ts";
import { CPU } from "./emit-control.ts";
import { readFlag, storeDirection } from "./emit-flags.ts";
import { emitValue, wrap } from "./emit-values.ts";
import { emitVector, type VectorEmitter } from "./emit-vector.ts";
import { isCommit, LOADS, localType, STORES } from "./emit.ts";
import { CACHES } from "./layout.ts";
import { depthOf, type Flags, IN_BLOCK, read, readLess, setOver, storeAll } from "./tree-flags.ts";
import { constantOf, registerOf } from "./tree-operands.ts";
import { pagePlace } from "./tree-memory.ts";
import type { TreeBody, TreeState } from "./tree-state.ts";
import { type FunctionBody, I32, I64 } from "./wasm.ts";

/** What follows an instruction: the next; nothing, since it was left to its handler; or what a jump says. */
export type Then =
  | { readonly goes: "on" }
  | { readonly goes: "nowhere" }
  | {
      readonly goes: "elsewhere";
      /** A local with one bit, or null when always. */
      readonly condition: number | null;
      /** A local with the target. */
      readonly target: number;
      /** The target where it is known. */
      readonly rip: bigint | null;
    };

export interface TreePlace {
  readonly block: Block;
  /** Leaves the instruction to its handler: emits a way out. */
  readonly giveUp: () => void;
}

const ON: Then = { goes: "on" };
const NOWHERE: Then = { goes: "nowhere" };
/** Flags that depend on so many instructions are put into the CPU's block. */
const DEEPEST_FLAGS = 3;
/** Fields of micro-ops that name values. */
const INPUTS = [
  "a",
  "b",
  "condition",
  "high",
  "low",
  "divisor",
  "value",
  "offset",
  "target",
  "control",
  "count",
  "result",
] as const;

export class InstructionEmitter {
  readonly #body: TreeBody;
  readonly #state: TreeState;
  readonly decoded: Decoded;
  readonly nextRip: bigint;
  readonly #place: TreePlace;
  readonly #list: readonly MicroOp[];
  readonly #shape: BlockInstruction["handler"]["shape"];
  /** By value. */
  readonly #locals: number[] = [];
  readonly #constants: (bigint | undefined)[] = [];
  /** Bits that may be set, where fewer than the width. */
  readonly #bits: (number | undefined)[] = [];
  /** Flags that are read when somebody needs them, and where they were. */
  readonly #flags: ({ readonly flag: StatusFlag; readonly from: Flags } | undefined)[] = [];
  readonly #places = new Map<number, number>();
  /** Values that lie in their locals. */
  readonly #ready = new Set<number>();

  constructor(
    body: TreeBody,
    state: TreeState,
    { decoded, handler, rip }: BlockInstruction,
    place: TreePlace,
  ) {
    this.#body = body;
    this.#state = state;
    this.decoded = decoded;
    this.#list = handler.list;
    this.#shape = handler.shape;
    this.#place = place;
    const wide = place.block.mode.code === 64 ? 64 : 32;
    this.nextRip = BigInt.asUintN(wide, rip + BigInt(decoded.length));
  }

  emit(): Then {
    for (const [id, micro] of this.#list.entries()) {
      if (micro.op === "jump") {
        this.#need(micro);
        const { target, condition } = micro;
        const fixed = condition === null ? 1n : this.#constants[condition];
        if (fixed === 0n) return ON;
        return {
          goes: "elsewhere",
          condition: fixed === 1n ? null : (this.#locals[condition as number] as number),
          target: this.#locals[target] as number,
          rip: this.#constants[target] ?? null,
        };
      }
      if (micro.op === "finishIf") {
        if (this.#constants[micro.condition] === 0n) continue;
        this.#finishIf(id, micro.condition);
        return ON;
      }
      if (this.#one(id, micro) === "nowhere") return NOWHERE;
    }
    return ON;
  }

  /** What follows only sets flags: they are put in their place on both ways. */
  #finishIf(id: number, condition: number): void {
    const body = this.#body;
    const state = this.#state;
    if (this.#constants[condition] === 1n) return;
    this.#materialize(condition);
    storeAll(body, state.flags);
    state.flags = IN_BLOCK;
    const before = [...state.registers];
    body
      .get(this.#locals[condition] as number)
      .op("i32.eqz")
      .if();
    this.#list.forEach((micro, later) => {
      if (later > id) this.#one(later, micro);
    });
    storeAll(body, state.flags);
    body.op("end");
    state.flags = IN_BLOCK;
    state.registers.splice(0, before.length, ...before);
    state.registers.length = before.length;
  }

  #one(id: number, micro: MicroOp): "nowhere" | "on" {
    if (!("width" in micro) || isCommit(micro)) return this.#effect(micro);
    if (this.#fold(id, micro)) return "on";
    if (micro.op === "readFlag" && micro.flag !== "DF") {
      this.#flags[id] = { flag: micro.flag, from: this.#state.flags };
      return "on";
    }
    this.#need(micro);
    const alias = this.#alias(id, micro);
    if (alias !== null) {
      this.#locals[id] = alias;
    } else {
      const local = this.#body.local(localType(micro.width));
      this.#value(micro);
      this.#body.set(local);
      this.#locals[id] = local;
    }
    this.#ready.add(id);
    return "on";
  }

  // Constants.

  /** Values that are known when the tree is emitted. */
  #fold(id: number, micro: MicroOp): boolean {
    const value = constantOf(micro, this.#constants, this);
    if (value === undefined) return false;
    this.#constants[id] = value;
    return true;
  }

  /** Sees to it that what a micro-op takes lies in locals. */
  #need(micro: MicroOp): void {
    for (const name of INPUTS) {
      const input = (micro as unknown as Readonly<Record<string, unknown>>)[name];
      if (typeof input === "number") this.#materialize(input);
    }
    if (micro.op !== "setFlags") return;
    for (const input of Object.values(micro.flags)) this.#materialize(input);
  }

  #materialize(id: number): void {
    if (this.#ready.has(id)) return;
    this.#ready.add(id);
    const body = this.#body;
    const constant = this.#constants[id];
    const flag = this.#flags[id];
    if (flag !== undefined) {
      const local = body.local(I32);
      read(body, flag.from, flag.flag);
      body.set(local);
      this.#locals[id] = local;
      return;
    }
    const micro = this.#list[id];
    if (constant === undefined || micro === undefined || !("width" in micro)) return;
    const local = body.local(localType(micro.width));
    if (micro.width === 1) body.i32(Number(constant));
    else body.i64(constant);
    body.set(local);
    this.#locals[id] = local;
  }

  // Values.

  /** The local that holds the value already, or null. */
  #alias(id: number, micro: MicroOp): number | null {
    if (micro.op === "readRegister" || micro.op === "readGpr") {
      const [number, high] = registerOf(this.decoded, micro);
      if (high) return null;
      const { local, bits } = this.#held(number);
      if (bits < micro.width) this.#bits[id] = bits;
      return bits <= micro.width ? local : null;
    }
    if (micro.op === "extend" && !micro.signed && micro.from !== 1) {
      this.#bits[id] = this.#bits[micro.a] ?? micro.from;
      return this.#locals[micro.a] as number;
    }
    if (micro.op === "linearAddress") return this.#sum(micro.offset, micro.segment);
    return null;
  }

  #held(number: number): { readonly local: number; readonly bits: number } {
    const { registers } = this.#state;
    const known = registers[number];
    if (known !== undefined) return known;
    const local = this.#body.local(I64);
    this.#body
      .get(CPU)
      .memory("i64.load", OFFSET.gpr + 8 * number)
      .set(local);
    const held = { local, bits: 64 };
    registers[number] = held;
    return held;
  }

  #value(micro: MicroOp): void {
    const body = this.#body;
    if (isVectorMicroOp(micro)) {
      emitVector(micro, this.#vectorEmitter());
      return;
    }
    switch (micro.op) {
      case "readRegister":
      case "readGpr": {
        const [number, high] = registerOf(this.decoded, micro);
        body.get(this.#held(number).local);
        if (high) body.i64(8n).op("i64.shr_u");
        wrap(body, micro.width);
        return;
      }
      case "effectiveAddress":
        this.#effectiveAddress(micro.operand, micro.width);
        return;
      case "readFlag":
        readFlag(body, micro.flag);
        return;
      case "load": {
        const place = this.#find(micro.offset, micro.segment, micro.width / 8, micro.intent);
        if (micro.intent === "modify") this.#places.set(micro.offset, place);
        body.get(place).memory(LOADS[micro.width]);
        return;
      }
      case "binary":
        if (!this.#condition(micro)) emitValue(this.#locals, body, micro);
        return;
      default:
        emitValue(this.#locals, body, micro);
    }
  }

  /** SF ^ OF together, where that is a comparison. */
  #condition({ fn, width, a, b }: MicroOp & { op: "binary" }): boolean {
    const [first, second] = [this.#flags[a], this.#flags[b]];
    if (width !== 1 || fn !== "xor" || first?.flag !== "SF" || second?.flag !== "OF") return false;
    return first.from === second.from && readLess(this.#body, first.from);
  }

  #effectiveAddress(index: number, width: Width): void {
    const body = this.#body;
    const operand = this.decoded.operands[index];
    if (operand?.is !== "memory") throw new RangeError("the operand is in memory");
    const { base, index: by, scale } = operand.memory;
    const displacement = displacementOf(this.decoded, operand.memory);
    const fixed = base === "rip" ? this.nextRip + displacement : displacement;
    const parts = [
      typeof base === "number" ? { local: this.#held(base).local, shift: 0 } : null,
      by === null ? null : { local: this.#held(by).local, shift: 31 - Math.clz32(scale) },
    ].filter((part) => part !== null);
    parts.forEach(({ local, shift }, i) => {
      body.get(local);
      if (shift > 0) body.i64(BigInt(shift)).op("i64.shl");
      if (i > 0) body.op("i64.add");
    });
    if (parts.length === 0 || fixed !== 0n) body.i64(BigInt.asUintN(64, fixed));
    if (parts.length > 0 && fixed !== 0n) body.op("i64.add");
    wrap(body, width);
  }

  // Memory.

  /** The local with the linear address. */
  #sum(offset: number, segment: string): number {
    const local = this.#locals[offset] as number;
    const treatment = segment === "effective" ? this.#shape.effective : this.#shape.named;
    if (treatment === "flat") return local;
    const body = this.#body;
    const linear = body.local(I64);
    body.get(local).get(CPU);
    body.memory("i64.load", segmentOffset(this.decoded.segment)).op("i64.add").set(linear);
    return linear;
  }

  #find(
    offset: number,
    segment: string,
    bytes: number,
    intent: "read" | "modify" | "write",
  ): number {
    const access = intent === "read" ? "read" : "write";
    return this.#pagePlace(this.#sum(offset, segment), bytes, access);
  }

  #pagePlace(linear: number, bytes: number, access: "read" | "write"): number {
    const table = CACHES[this.#shape.level][access];
    return pagePlace(this.#body, table, linear, bytes, this.#place.giveUp);
  }

  #vectorEmitter(): VectorEmitter {
    return {
      body: this.#body,
      locals: this.#locals,
      registerAddress: (operand) => this.#registerAddress(operand),
      linear: (offset, segment) => this.#sum(offset, segment),
      place: (linear, bytes, access) => this.#pagePlace(linear, bytes, access),
      slowArguments: () => undefined,
      leave: () => undefined,
      giveUp: this.#place.giveUp,
    };
  }

  /** Of a vector register. */
  #registerAddress(index: number): FunctionBody {
    const [number] = registerOf(this.decoded, { operand: index });
    const kind = this.decoded.form.operands[index]?.kind;
    const from = kind === "mmxReg" || kind === "mmxRm" ? OFFSET.x87 : OFFSET.xmm;
    return this.#body
      .get(CPU)
      .i32(from + 16 * number)
      .op("i32.add");
  }

  // Effects.

  #effect(micro: MicroOp): "nowhere" | "on" {
    const body = this.#body;
    if (micro.op === "faultIf" || micro.op === "assistIf") {
      return this.#giveUpIf(micro.condition);
    }
    if (micro.op === "leaveUndefined") return "on";
    this.#need(micro);
    if (isVectorMicroOp(micro)) {
      emitVector(micro, this.#vectorEmitter());
      return "on";
    }
    switch (micro.op) {
      case "store": {
        const { offset, segment, width } = micro;
        const known = this.#places.get(offset);
        const place = known ?? this.#find(offset, segment, width / 8, "write");
        body
          .get(place)
          .get(this.#locals[micro.value] as number)
          .memory(STORES[width]);
        return "on";
      }
      case "writeRegister":
      case "writeGpr":
        this.#write(micro);
        return "on";
      case "flagsOfAdd":
      case "flagsOfSub":
      case "flagsOfLogic":
      case "setFlags":
        this.#setFlags(micro);
        return "on";
      default:
        throw new RangeError(`trees have no ${micro.op}`);
    }
  }

  #giveUpIf(condition: number): "nowhere" | "on" {
    const fixed = this.#constants[condition];
    if (fixed === 0n) return "on";
    if (fixed === 1n) {
      this.#place.giveUp();
      return "nowhere";
    }
    this.#materialize(condition);
    this.#body.get(this.#locals[condition] as number).if();
    this.#place.giveUp();
    this.#body.op("end");
    return "on";
  }

  /** The whole register is kept in a local, and stored. */
  #write(micro: MicroOp & { op: "writeRegister" | "writeGpr" }): void {
    const body = this.#body;
    const [number, high] = registerOf(this.decoded, micro);
    const { width } = micro;
    let local = this.#locals[micro.value] as number;
    let bits: number = this.#bits[micro.value] ?? width;
    if (width < 32) {
      const old = this.#held(number);
      const shift = high ? 8n : 0n;
      const mask = ((1n << BigInt(width)) - 1n) << shift;
      body.get(old.local).i64(~mask).op("i64.and").get(local);
      if (high) body.i64(shift).op("i64.shl");
      local = body.local(I64);
      body.op("i64.or").set(local);
      bits = Math.max(old.bits, high ? 16 : width);
    }
    body
      .get(CPU)
      .get(local)
      .memory("i64.store", OFFSET.gpr + 8 * number);
    this.#state.registers[number] = { local, bits };
  }

  #setFlags(
    micro: MicroOp & { op: "flagsOfAdd" | "flagsOfSub" | "flagsOfLogic" | "setFlags" },
  ): void {
    const state = this.#state;
    const local = (id: number): number => this.#locals[id] as number;
    if (micro.op === "flagsOfLogic") {
      state.flags = { from: micro.op, result: local(micro.result), of: micro.of };
    } else if (micro.op === "setFlags") {
      this.#setSome(micro);
    } else {
      const { op, a, b, result, of } = micro;
      const from = this.#list[result];
      const fn = op === "flagsOfAdd" ? "add" : "sub";
      const plain = from?.op === "binary" && from.fn === fn && from.a === a && from.b === b;
      state.flags = { from: op, a: local(a), b: local(b), result: local(result), of, plain };
    }
  }

  #setSome({ flags: named, result, of }: MicroOp & { op: "setFlags" }): void {
    const state = this.#state;
    const { DF: direction, ...status } = named;
    const local = (id: number): number => this.#locals[id] as number;
    if (direction !== undefined) storeDirection(this.#body, local(direction));
    const flags: Partial<Record<StatusFlag, number>> = {};
    for (const [flag, id] of Object.entries(status)) flags[flag as StatusFlag] = local(id);
    if (direction !== undefined && result === null && Object.keys(flags).length === 0) return;
    const whole = setOver({
      from: "setFlags",
      flags,
      result: result === null ? null : local(result),
      of,
      others: state.flags,
    });
    if (depthOf(whole) <= DEEPEST_FLAGS) {
      state.flags = whole;
      return;
    }
    storeAll(this.#body, state.flags);
    state.flags = setOver({ ...(whole as Flags & { from: "setFlags" }), others: IN_BLOCK });
  }
}
