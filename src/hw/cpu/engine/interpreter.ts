/**
 * The interpreter: decodes blocks into records in linear memory and lets emitted handlers run through them. Stops
 * exactly where the reference evaluator does: at the first instruction boundary at or past the limit, or at a fault.
 */

import { assert } from "../../../sim/assert.ts";
import { isCanonical } from "../addressing.ts";
import { AssistContext } from "../assist.ts";
import { cyclesOf } from "../cycles.ts";
import type { Decoded, Decoder, OperandValue } from "../decode.ts";
import { type Fault, GP0, plainFault, SS0 } from "../fault.ts";
import { isFault, type LinearMemory } from "../mmu.ts";
import { binary, divide } from "../reference.ts";
import { type CpuState, OFFSET, segmentOffset } from "../state.ts";
import { FAULT_CODES, SLOW_MODIFY, SLOW_STACK } from "./emit.ts";
import { packFlags, unpackFlags } from "./flags.ts";
import { BLOCK_END, HandlerTable, STALE } from "./handlers.ts";
import {
  EXIT,
  FAST_READ,
  FAST_TLB_ENTRIES,
  FAST_WRITE,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  NO_ADDRESS,
  RECORD,
  RECORD_BYTES,
  SCRATCH,
} from "./layout.ts";

/** Longest block, in instructions. */
const MAX_BLOCK = 64;
const PAGE_MASK = -4096n;

/** Memory as the interpreter wants it: with places that emitted code may reach by itself. */
export interface DirectMemory extends LinearMemory {
  /**
   * Where the page of a linear address lies in linear memory, for reads or for writes; null when each access has to
   * come here. A page given for writes is marked as written until `onProtect` is called.
   */
  page(linear: bigint, access: "read" | "write"): number | null;
  /** Tells the page of physical memory that code was decoded from, so that writes to it are reported. */
  watchCode(linear: bigint, changed: () => void): void;
  /** Called when pages given out must be asked for again. */
  onProtect: (() => void) | null;
}

/** Where an interpreter may keep its data in linear memory. */
export interface InterpreterArea {
  /** Records: from here, this many bytes. */
  readonly records: number;
  readonly recordBytes: number;
}

interface Block {
  readonly rip: bigint;
  /** Address of the first record. */
  readonly start: number;
  readonly instructions: readonly {
    readonly decoded: Decoded;
    readonly rip: bigint;
    readonly cyclesBefore: number;
  }[];
  readonly cycles: number;
  /** The fault that follows the last instruction, when decoding met one. */
  readonly fault: Fault | null;
}

export class Interpreter {
  readonly state: CpuState;
  readonly #decoder: Decoder;
  readonly #memory: DirectMemory;
  readonly #table: HandlerTable;
  readonly #view: DataView;
  readonly #area: InterpreterArea;
  readonly #blocks = new Map<bigint, Block>();
  readonly #singles = new Map<bigint, Block>();
  readonly #byRecord = new Map<number, { readonly block: Block; readonly position: number }>();
  #nextRecord: number;
  #fault: Fault | null = null;

  constructor(
    wasm: WebAssembly.Memory,
    state: CpuState,
    decoder: Decoder,
    memory: DirectMemory,
    area: InterpreterArea,
  ) {
    this.state = state;
    this.#decoder = decoder;
    this.#memory = memory;
    this.#area = area;
    this.#nextRecord = area.records;
    this.#view = new DataView(wasm.buffer);
    this.#table = new HandlerTable(wasm, {
      slowRead: (cpu: number, at: number, low: number, high: number, what: number) =>
        this.#slowRead(cpu, at, low, high, what),
      slowWrite: (cpu: number, at: number, low: number, high: number, what: number) =>
        this.#slowWrite(cpu, at, low, high, what),
      mulHighUnsigned: (a: bigint, b: bigint) =>
        binary("mulHighUnsigned", unsigned(a), unsigned(b), 64),
      mulHighSigned: (a: bigint, b: bigint) =>
        binary("mulHighSigned", unsigned(a), unsigned(b), 64),
      quotient: (high: bigint, low: bigint, divisor: bigint) =>
        divide("quotient", unsigned(high), unsigned(low), unsigned(divisor), 64),
      remainder: (high: bigint, low: bigint, divisor: bigint) =>
        divide("remainder", unsigned(high), unsigned(low), unsigned(divisor), 64),
    });
    memory.onProtect = () => this.#forgetPages(FAST_WRITE);
    this.forgetTranslations();
    this.#forgetJumps();
  }

  /** Runs until the cycle counter reaches `limit` at an instruction boundary, or to a fault. */
  run(limit: number): Fault | null {
    const view = this.#blockView();
    unpackFlags(view);
    let fault: Fault | null = null;
    while (fault === null && this.state.cycles < limit) fault = this.#runOn(limit);
    packFlags(view);
    return fault;
  }

  /** To be called when translations may have changed. */
  forgetTranslations(): void {
    this.#forgetPages(FAST_READ);
    this.#forgetPages(FAST_WRITE);
  }

  #runOn(limit: number): Fault | null {
    const { rip, cycles } = this.state;
    let block = this.#blocks.get(rip) ?? this.#decode(rip, MAX_BLOCK, this.#blocks);
    const left = limit - cycles;
    if (block.cycles > left && block.instructions.length > 1) {
      block = this.#singles.get(rip) ?? this.#decode(rip, 1, this.#singles);
    }
    const [first] = block.instructions;
    if (first === undefined) return block.fault;
    const isSingle = block.instructions.length === 1;
    // A single instruction may overshoot; nothing may follow it then.
    const budget = Math.min(Math.max(left, isSingle ? block.cycles : 0), 0x3fff_ffff);
    const at = this.state.block;
    this.#view.setInt32(at + SCRATCH.budget, budget - block.cycles, true);
    if (this.#blocks.get(rip) === block) this.#rememberJump(rip, block);
    const exit = this.#table.enter(this.#view.getInt32(block.start, true), at, block.start);
    const spent = budget - this.#view.getInt32(at + SCRATCH.budget, true);
    return this.#leave(exit, cycles + spent);
  }

  /** Puts RIP and the cycle counter right after emitted code has returned. */
  #leave(exit: number, cycles: number): Fault | null {
    const { state } = this;
    if (exit === EXIT.budget || exit === EXIT.lookup) {
      state.cycles = cycles;
      return null;
    }
    const at = this.#view.getInt32(state.block + SCRATCH.record, true);
    const { block, position } = this.#byRecord.get(at) as { block: Block; position: number };
    const instruction = block.instructions[position];
    state.rip = instruction?.rip ?? this.#endOf(block);
    // The block was paid for as a whole.
    state.cycles = cycles - block.cycles + (instruction?.cyclesBefore ?? block.cycles);
    if (exit === EXIT.repeat)
      state.cycles += instruction === undefined ? 0 : cyclesOf(instruction.decoded);
    if (exit === EXIT.assist && instruction !== undefined) return this.#assist(instruction);
    if (exit !== EXIT.fault) return null;
    const fault =
      this.#fault ??
      plainFault(FAULT_CODES[this.#view.getInt32(state.block + SCRATCH.fault, true)] ?? "#UD");
    this.#fault = null;
    return fault;
  }

  #assist({ decoded, rip }: Block["instructions"][number]): Fault | null {
    const { state } = this;
    const run = this.#table.handlerOf(decoded).assist;
    assert(run !== null, "a handler that leaves for an assist has one");
    const nextRip = BigInt.asUintN(64, rip + BigInt(decoded.length));
    const view = this.#blockView();
    packFlags(view);
    state.rip = nextRip;
    const fault = run(new AssistContext(state, this.#memory, decoded, nextRip));
    if (fault === null) state.cycles += cyclesOf(decoded);
    else state.rip = rip;
    unpackFlags(view);
    return fault;
  }

  // Decoding.

  #decode(rip: bigint, most: number, blocks: Map<bigint, Block>): Block {
    if (this.#nextRecord + RECORD_BYTES * (most + 1) > this.#area.records + this.#area.recordBytes)
      this.#forgetBlocks();
    const start = this.#nextRecord;
    const instructions: { decoded: Decoded; rip: bigint; cyclesBefore: number }[] = [];
    let at = rip;
    let cycles = 0;
    let fault: Fault | null = null;
    while (instructions.length < most) {
      const fetched = this.#memory.fetch(at);
      const decoded = this.#decoder.decode(fetched.bytes, 64);
      if (typeof decoded === "string") {
        fault = decoded === "short" ? fetched.fault : decoded === "#UD" ? plainFault("#UD") : GP0;
        break;
      }
      instructions.push({ decoded, rip: at, cyclesBefore: cycles });
      cycles += cyclesOf(decoded);
      at = BigInt.asUintN(64, at + BigInt(decoded.length));
      // A block lies in one page, so that its code changes as a whole.
      if (this.#table.handlerOf(decoded).ends || (at & PAGE_MASK) !== (rip & PAGE_MASK)) break;
    }
    const block: Block = { rip, start, instructions, cycles, fault };
    instructions.forEach((instruction, i) => {
      this.#writeRecord(start + RECORD_BYTES * i, instruction.decoded, instruction.rip);
      this.#byRecord.set(start + RECORD_BYTES * i, { block, position: i });
    });
    this.#writeEnd(start + RECORD_BYTES * instructions.length, block, at);
    this.#view.setInt32(start + RECORD.blockCycles, cycles, true);
    this.#nextRecord = start + RECORD_BYTES * (instructions.length + 1);
    // What stands in the way of fetching or decoding may be gone the next time.
    if (instructions.length === 0) return block;
    blocks.set(rip, block);
    this.#memory.watchCode(rip, () => this.#invalidate(block, blocks));
    if (((at - 1n) & PAGE_MASK) !== (rip & PAGE_MASK))
      this.#memory.watchCode(at - 1n, () => this.#invalidate(block, blocks));
    this.#forgetPages(FAST_WRITE);
    return block;
  }

  /** After the last instruction: on to the next block, or out to the fault that follows. */
  #writeEnd(at: number, block: Block, next: bigint): void {
    this.#view.setInt32(at + RECORD.handler, block.fault === null ? BLOCK_END : STALE, true);
    this.#view.setBigUint64(at + RECORD.nextRip, next, true);
    this.#byRecord.set(at, { block, position: block.instructions.length });
  }

  #writeRecord(at: number, decoded: Decoded, rip: bigint): void {
    const view = this.#view;
    const nextRip = BigInt.asUintN(64, rip + BigInt(decoded.length));
    view.setInt32(at + RECORD.handler, this.#table.handlerOf(decoded).place, true);
    view.setInt32(at + RECORD.cycles, cyclesOf(decoded), true);
    view.setBigUint64(at + RECORD.nextRip, nextRip, true);
    view.setInt32(at + RECORD.segmentBase, this.state.block + segmentOffset(decoded.segment), true);
    let immediates = 0;
    decoded.operands.forEach((operand, i) => {
      if (operand.is === "register" && i < 2) {
        view.setInt32(
          at + (i === 0 ? RECORD.register0 : RECORD.register1),
          this.#registerAddress(operand),
          true,
        );
      } else if (operand.is === "memory") {
        this.#writeAddress(at, operand, nextRip);
      } else if (operand.is === "immediate") {
        const relative = decoded.form.operands[i]?.kind === "relative";
        const value = relative
          ? BigInt.asUintN(decoded.operandSize, nextRip + operand.value)
          : operand.value;
        if (immediates === 0) view.setBigUint64(at + RECORD.immediate, value, true);
        else view.setUint32(at + RECORD.immediate2, Number(value), true);
        immediates += 1;
      }
    });
  }

  #registerAddress({ register }: OperandValue & { is: "register" }): number {
    return this.state.block + OFFSET.gpr + 8 * register.number + (register.high ? 1 : 0);
  }

  #writeAddress(at: number, { memory }: OperandValue & { is: "memory" }, nextRip: bigint): void {
    const view = this.#view;
    const gpr = (number: number): number => this.state.block + OFFSET.gpr + 8 * number;
    const none = this.state.block + OFFSET.zero;
    const { base, index, scale, displacement } = memory;
    view.setInt32(at + RECORD.base, typeof base === "number" ? gpr(base) : none, true);
    view.setInt32(at + RECORD.index, index === null ? none : gpr(index), true);
    view.setInt32(at + RECORD.scale, Math.trunc(31 - Math.clz32(scale)), true);
    const whole = base === "rip" ? nextRip + displacement : displacement;
    view.setBigUint64(at + RECORD.displacement, BigInt.asUintN(64, whole), true);
  }

  /** Makes every record of a block leave, also the one that runs next in a block that is being executed. */
  #invalidate(block: Block, blocks: Map<bigint, Block>): void {
    if (blocks.get(block.rip) === block) blocks.delete(block.rip);
    for (let i = 0; i <= block.instructions.length; i += 1) {
      this.#view.setInt32(block.start + RECORD_BYTES * i + RECORD.handler, STALE, true);
    }
    this.#forgetJumps();
  }

  #forgetBlocks(): void {
    this.#blocks.clear();
    this.#singles.clear();
    this.#byRecord.clear();
    this.#nextRecord = this.#area.records;
    this.#forgetJumps();
  }

  #endOf(block: Block): bigint {
    const last = block.instructions.at(-1);
    return last === undefined
      ? block.rip
      : BigInt.asUintN(64, last.rip + BigInt(last.decoded.length));
  }

  // Caches of the emitted code.

  #blockView(): DataView {
    return new DataView(this.#view.buffer, this.state.block);
  }

  #forgetPages(table: number): void {
    for (let i = 0; i < FAST_TLB_ENTRIES; i += 1) {
      this.#view.setBigUint64(this.state.block + table + 16 * i, NO_ADDRESS, true);
    }
  }

  #forgetJumps(): void {
    for (let i = 0; i < JUMP_CACHE_ENTRIES; i += 1) {
      this.#view.setBigUint64(this.state.block + JUMP_CACHE + 16 * i, NO_ADDRESS, true);
    }
  }

  #rememberJump(rip: bigint, block: Block): void {
    const low = Number(BigInt.asUintN(32, rip));
    const slot =
      this.state.block + JUMP_CACHE + 16 * ((low ^ (low >>> 10)) & (JUMP_CACHE_ENTRIES - 1));
    this.#view.setBigUint64(slot, rip, true);
    this.#view.setInt32(slot + 8, block.start, true);
  }

  #rememberPage(linear: bigint, access: "read" | "write"): void {
    const place = this.#memory.page(linear, access);
    if (place === null) return;
    const page = linear & PAGE_MASK;
    const number = Number(BigInt.asUintN(32, linear >> 12n));
    const index = (number ^ (number >>> 8)) & (FAST_TLB_ENTRIES - 1);
    const slot = this.state.block + (access === "read" ? FAST_READ : FAST_WRITE) + 16 * index;
    this.#view.setBigUint64(slot, page, true);
    this.#view.setInt32(slot + 8, (place - Number(BigInt.asUintN(32, page))) | 0, true);
  }

  // Accesses that emitted code cannot do by itself.

  #slowRead(cpu: number, at: number, low: number, high: number, what: number): number {
    const linear = address(low, high);
    const access = (what & SLOW_MODIFY) === 0 ? "read" : "modify";
    const value = isCanonical(linear)
      ? this.#memory.read(linear, what & 0xff, access)
      : this.#notCanonical(at, what);
    if (isFault(value)) return this.#fail(cpu, at, value);
    this.#view.setBigUint64(cpu + SCRATCH.value, value, true);
    this.#rememberPage(linear, access === "read" ? "read" : "write");
    return 0;
  }

  #slowWrite(cpu: number, at: number, low: number, high: number, what: number): number {
    const linear = address(low, high);
    if (!isCanonical(linear)) return this.#fail(cpu, at, this.#notCanonical(at, what));
    const size = what & 0xff;
    const value = BigInt.asUintN(8 * size, this.#view.getBigUint64(cpu + SCRATCH.value, true));
    const fault = this.#memory.write(linear, size, value);
    if (fault !== null) return this.#fail(cpu, at, fault);
    this.#rememberPage(linear, "write");
    return 0;
  }

  #fail(cpu: number, at: number, fault: Fault): number {
    this.#fault = fault;
    this.#view.setInt32(cpu + SCRATCH.record, at, true);
    return 1;
  }

  #notCanonical(at: number, what: number): Fault {
    const found = this.#byRecord.get(at);
    assert(found !== undefined, "a record belongs to a block");
    const stack =
      (what & SLOW_STACK) !== 0 ||
      found.block.instructions[found.position]?.decoded.segment === "SS";
    return stack ? SS0 : GP0;
  }
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

function address(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
