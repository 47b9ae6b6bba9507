/**
 * The interpreter: decodes blocks into records in linear memory and lets emitted handlers run through them. Stops
 * exactly where the reference evaluator does: at the first instruction boundary at or past the limit, or at a fault.
 */

import { isCanonicalAccess } from "../addressing.ts";
import { type Fault, GP0, plainFault, SS0 } from "../fault.ts";
import { type DirectMemory, isFault } from "../mmu.ts";
import { divide } from "../reference.ts";
import { codeSizeOf } from "../mode.ts";
import { type CpuState, segmentOffset } from "../state.ts";
import { type BlockMode, blockMode, isSameMode, levelNumberOf, writeRanges } from "./block-mode.ts";
import { type Assisted, type Block, Blocks } from "./blocks.ts";
import { FAULT_CODES, SLOW_MODIFY, SLOW_STACK } from "./emit.ts";
import type { Engine, EngineParts } from "./engine.ts";
import { Caches } from "./caches.ts";
import { packFlags, unpackFlags } from "./flags.ts";
import { HandlerTable, STALE } from "./handlers.ts";
import {
  EXIT,
  type Heat,
  type InterpreterArea,
  LEVELS,
  LEVELS_OF,
  ORDINARY_HEAT,
  RECORD,
  RECORD_BYTES,
  SCRATCH,
} from "./layout.ts";
import { vectorFunctions } from "./vector-host.ts";

const FOUR_GIB = 2n ** 32n;

/** Most cycles between two looks: what is not yet in trees is to be found also where trees are at work. */
const LONGEST_SLICE = 2 ** 16;

export class Interpreter implements Engine {
  readonly state: CpuState;
  readonly #memory: DirectMemory;
  readonly #table: HandlerTable;
  readonly #view: DataView;
  readonly #blocks: Blocks;
  #fault: Fault | null = null;
  #mode: BlockMode;
  /** By number of the level. */
  readonly #lastModes: (BlockMode | null)[] = LEVELS.map(() => null);
  readonly #caches: Caches;
  /** The cycle counter at which the budget of the run of emitted code would be spent. */
  #end = 0;
  /** Records that leave for now, with what to put back. */
  readonly #heat: Heat;
  /** Cycles from one look at where control is to the next, and the cycle counter at the next. */
  #slice: number;
  #nextLook = 0;
  readonly #stops: { readonly at: number; readonly handler: number }[] = [];

  constructor(wasm: WebAssembly.Memory, parts: EngineParts<DirectMemory>, area: InterpreterArea) {
    const { state, memory } = parts;
    this.state = state;
    this.#mode = blockMode(state);
    this.#memory = memory;
    this.#view = new DataView(wasm.buffer);
    this.#table = new HandlerTable(wasm, {
      slowRead: (cpu: number, at: number, low: number, high: number, what: number) =>
        this.#atItsTime(at, () => this.#slowRead(cpu, at, low, high, what)),
      slowWrite: (cpu: number, at: number, low: number, high: number, what: number) =>
        this.#atItsTime(at, () => this.#slowWrite(cpu, at, low, high, what)),
      quotient: (high: bigint, low: bigint, divisor: bigint) =>
        divide("quotient", unsigned(high), unsigned(low), unsigned(divisor), 64),
      remainder: (high: bigint, low: bigint, divisor: bigint) =>
        divide("remainder", unsigned(high), unsigned(low), unsigned(divisor), 64),
      ...vectorFunctions({
        state,
        memory,
        atItsTime: (at, access) => this.#atItsTime(at, access),
        fail: (at, fault) => this.#fail(state.block, at, fault),
        segmentFault: (at, what) => this.#segmentFault(at, what),
        isAllowed: (at, linear) => this.#isAllowed(at, linear, 16),
        rememberPage: (linear, access) => this.#rememberPage(linear, access),
      }),
    });
    const forgetJumps = (): void => this.#forgetJumps();
    this.#blocks = new Blocks(this.#view, parts, this.#table, area, forgetJumps);
    this.#heat = area.heat ?? ORDINARY_HEAT;
    this.#slice = this.#heat.cycles;
    this.#caches = new Caches(wasm.buffer, state);
    this.#lastModes[this.#mode.levelNumber] = this.#mode;
    memory.onForget = (linear) => this.#caches.forget(linear);
    memory.onForgetFetch = forgetJumps;
    memory.onForgetSide = (side) => this.#forgetSide(side);
  }

  run(limit: number): Fault | null {
    const { state } = this;
    const view = this.state.view;
    state.attention = false;
    this.#lookAtMode();
    unpackFlags(view);
    let fault: Fault | null = null;
    while (fault === null && state.cycles < limit && !state.attention) fault = this.#runOn(limit);
    packFlags(view);
    return fault;
  }

  #runOn(limit: number): Fault | null {
    const { cycles } = this.state;
    const block = this.#blocks.at(this.#mode);
    if (isBlockFault(block)) return block;
    const toLook = this.#look(block);
    // A device may have been asked for a translation or an instruction.
    const left = this.state.attention ? 1 : limit - cycles;
    const whole = block.cycles <= left;
    // Where the block does not fit, nothing may follow it.
    const budget = whole ? Math.max(Math.min(left, toLook), block.cycles) : block.cycles;
    const at = this.state.block;
    this.#end = cycles + budget;
    this.#view.setInt32(at + SCRATCH.budget, budget - block.cycles, true);
    if (block.lasting) this.#caches.rememberJump(block);
    if (!whole) this.#stopIn(block, left);
    const handler = whole ? this.#handlerAt(block) : block.handler;
    const exit = this.#table.enter(handler, at, block.start);
    this.#endStops();
    return this.#leave(exit, this.#end - this.#view.getInt32(at + SCRATCH.budget, true));
  }

  /** Looks at where control is if it is time, however often emitted code has returned since; cycles to the next look. */
  #look(block: Block): number {
    const { cycles } = this.state;
    const ahead = this.#nextLook - cycles;
    if (ahead >= block.cycles && ahead <= this.#slice) return ahead;
    // While a processor is halted its clock goes on, and with a snapshot that is restored it goes back.
    if (ahead > -LONGEST_SLICE && ahead <= this.#slice) this.#blocks.sample(block);
    this.#slice =
      block.tree === null ? this.#heat.cycles : Math.min(2 * this.#slice, LONGEST_SLICE);
    this.#nextLook = cycles + this.#slice;
    return this.#slice;
  }

  #handlerAt({ start }: Block): number {
    return this.#view.getInt32(start + RECORD.handler, true);
  }

  /** Makes the first instruction that begins at or past the limit leave. */
  #stopIn(block: Block, left: number): void {
    for (let i = 1; i < block.count; i += 1) {
      if (this.#blocks.cyclesBefore(block, i) < left) continue;
      this.#stopAt(block, i);
      return;
    }
  }

  /** Makes an instruction of a block, or its end, leave until emitted code has returned. */
  #stopAt(block: Block, index: number): void {
    const at = block.start + RECORD_BYTES * index + RECORD.handler;
    const handler = this.#view.getInt32(at, true);
    if (handler === STALE) return;
    this.#view.setInt32(at, STALE, true);
    this.#stops.push({ at, handler });
  }

  #endStops(): void {
    if (this.#stops.length === 0) return;
    for (const { at, handler } of this.#stops) this.#view.setInt32(at, handler, true);
    this.#stops.length = 0;
  }

  /** Puts RIP and the cycle counter right after emitted code has returned. */
  #leave(exit: number, cycles: number): Fault | null {
    const { state } = this;
    if (exit === EXIT.budget || exit === EXIT.lookup) {
      state.cycles = cycles;
      return null;
    }
    const at = this.#view.getInt32(state.block + SCRATCH.record, true);
    const { block, position } = this.#blocks.of(at);
    // The block was paid for as a whole.
    state.cycles = cycles - block.cycles + this.#blocks.cyclesBefore(block, position);
    if (exit === EXIT.assist) return this.#assist(block, position);
    state.rip = this.#blocks.ripOf(block, position);
    if (exit === EXIT.repeat) state.cycles += this.#view.getInt32(at + RECORD.cycles, true);
    if (exit !== EXIT.fault) return null;
    const fault =
      this.#fault ??
      plainFault(FAULT_CODES[this.#view.getInt32(state.block + SCRATCH.fault, true)] ?? "#UD");
    this.#fault = null;
    return fault;
  }

  #assist(block: Block, position: number): Fault | null {
    const { state } = this;
    const { context, handler, rip, run } = assistedOf(block, position);
    const view = this.state.view;
    packFlags(view);
    state.rip = context.nextRip;
    const fault = run(context);
    if (fault === null) state.cycles += handler.cycles;
    else state.rip = rip;
    unpackFlags(view);
    return fault;
  }

  /** Sizes and segments may have changed since the last run: what depends on them is put right. */
  #lookAtMode(): void {
    if (this.#isStill64()) return;
    const again = this.#lastModes[levelNumberOf(this.state)] as BlockMode | null;
    if (again?.code === 64 && codeSizeOf(this.state) === 64) {
      this.#mode = again;
      return;
    }
    const mode = blockMode(this.state);
    if (mode.code !== 64) writeRanges(this.#view, this.state);
    if (isSameMode(mode, this.#mode)) return;
    this.#mode = mode;
    // A level that is entered again finds its jumps, if its mode is what it was.
    const last = this.#lastModes[mode.levelNumber] as BlockMode | null;
    if (last !== null && !isSameMode(mode, last)) this.#caches.forgetJumps(mode.level);
    this.#lastModes[mode.levelNumber] = mode;
  }

  /** 64-bit mode depends on little, and most runs begin in the mode in which the last one has. */
  #isStill64(): boolean {
    const { state } = this;
    const { code, levelNumber } = this.#mode;
    return code === 64 && levelNumber === levelNumberOf(state) && codeSizeOf(state) === 64;
  }

  // What emitted code may find by itself.

  #forgetJumps(): void {
    this.#blocks.forgetRecent();
    for (const level of LEVELS) this.#caches.forgetJumps(level);
  }

  #forgetSide(side: "host" | "guest"): void {
    this.#blocks.forgetRecent();
    for (const level of LEVELS_OF[side]) this.#caches.forgetLevel(level);
  }

  #rememberPage(linear: bigint, access: "read" | "write"): void {
    const place = this.#memory.page(linear, access);
    if (place !== null) this.#caches.rememberPage(this.#mode.level, linear, access, place);
  }

  // Accesses that emitted code cannot do by itself.

  /**
   * A device that the access reaches finds the time at which the instruction, or the iteration of a repeated one, has
   * begun. When it asks for attention, emitted code returns at the next boundary.
   */
  #atItsTime(at: number, access: () => number): number {
    const { state } = this;
    const { block, position } = this.#blocks.of(at);
    const budget = this.#view.getInt32(state.block + SCRATCH.budget, true);
    const before = this.#blocks.cyclesBefore(block, position);
    state.cycles = this.#end - budget - block.cycles + before;
    const result = access();
    if (state.attention) this.#stopAfter(block, position);
    return result;
  }

  /** The next instruction leaves; a jump, or another iteration, finds the budget spent. */
  #stopAfter(block: Block, position: number): void {
    const at = this.state.block + SCRATCH.budget;
    this.#stopAt(block, position + 1);
    this.#end -= this.#view.getInt32(at, true) + 1;
    this.#view.setInt32(at, -1, true);
  }

  #slowRead(cpu: number, at: number, low: number, high: number, what: number): number {
    const linear = address(low, high);
    const access = (what & SLOW_MODIFY) === 0 ? "read" : "modify";
    const size = what & 0xff;
    const value = this.#isAllowed(at, linear, what)
      ? this.#memory.read(linear, size, access)
      : this.#segmentFault(at, what);
    if (isFault(value)) return this.#fail(cpu, at, value);
    this.#view.setBigUint64(cpu + SCRATCH.value, value, true);
    this.#rememberPage(linear, access === "read" ? "read" : "write");
    return 0;
  }

  #slowWrite(cpu: number, at: number, low: number, high: number, what: number): number {
    const linear = address(low, high);
    const size = what & 0xff;
    if (!this.#isAllowed(at, linear, what))
      return this.#fail(cpu, at, this.#segmentFault(at, what));
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

  /** What emitted code leaves unchecked: canonical addresses, and the end of flat segments of 4 GiB. */
  #isAllowed(at: number, linear: bigint, what: number): boolean {
    const size = what & 0xff;
    if (this.#mode.code === 64) return isCanonicalAccess(linear, size);
    if (!this.#mode.flat || linear + BigInt(size) <= FOUR_GIB) return true;
    // An override is for the memory operand: the stack stays where it is.
    return (what & SLOW_STACK) === 0 && UNCHECKED.includes(this.#segmentAt(at));
  }

  #segmentFault(at: number, what: number): Fault {
    const stack = (what & SLOW_STACK) !== 0 || this.#segmentAt(at) === segmentOffset("SS");
    return stack ? SS0 : GP0;
  }

  /** The segment of a record's memory operand, by its place in the CPU's block. */
  #segmentAt(at: number): number {
    return this.#view.getInt32(at + RECORD.segmentBase, true) - this.state.block;
  }
}

/** Segments whose limits emitted code has checked. */
const UNCHECKED: readonly number[] = (["FS", "GS", "CS"] as const).map(segmentOffset);

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

function address(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function assistedOf({ assists }: Block, position: number): Assisted {
  for (const assisted of assists) if (assisted.position === position) return assisted;
  throw new RangeError("a handler that leaves for an assist has one");
}

const isBlockFault = (found: Block | Fault): found is Fault => "vector" in found;
