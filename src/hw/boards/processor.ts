/**
 * A logical processor of a machine: CPU, MMU and engine, its state registered, run by the world in slices. SDM Vol. 3,
 * "Multiple-Processor Management".
 */

import type { PagedMemory } from "../../sim/paged-memory.ts";
import type { Runner, Slice } from "../../sim/schedule.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import { Cpu } from "../cpu/cpu.ts";
import type { CpuProfile } from "../cpu/cpuid/profile.ts";
import type { Decoder } from "../cpu/decode.ts";
import { Interpreter } from "../cpu/engine/interpreter.ts";
import type { InterpreterArea } from "../cpu/engine/layout.ts";
import type { Environment, Refusal } from "../cpu/environment.ts";
import { makeVirtualization } from "../cpu/make-virtualization.ts";
import type { PhysicalMemory } from "../cpu/physical-memory.ts";
import { readSlot } from "../cpu/msr/slots.ts";
import { powerUp } from "../cpu/start.ts";
import { ACTIVITY, CpuState, PENDING } from "../cpu/state.ts";
import { Tlb } from "../cpu/tlb.ts";
import { TranslatedMemory, type WalkRecord } from "../cpu/translated-memory.ts";
import type { Virtualization } from "../cpu/virtualization.ts";

import type { ApicOwner } from "./apic-bus.ts";

/** A virtualisation instruction that has failed, and the check that it did not pass. */
const REFUSED = eventType("cpu.refused", {
  outcome: "text",
  check: "text",
  field: "text",
  value: "wide",
  section: "text",
});

/** A walk of page tables: each entry read with its address, and the frame or the fault. */
const WALKED = eventType("cpu.walked", {
  linear: "wide",
  access: "text",
  entries: "text",
  outcome: "text",
});

/** What a processor asks of its machine. */
export interface ProcessorBus {
  running(processor: Processor | null): void;
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
  acknowledgeInterrupt(cpu: number): number;
  readMsr(cpu: number, number: number): bigint | null;
  writeMsr(cpu: number, number: number, value: bigint): boolean;
  apicBaseChanged(cpu: number, value: bigint): void;
  taskPriorityChanged(cpu: number, value: number): void;
  timeStampCounterMoved(cpu: number): void;
  assertFerr(): void;
  /** Nothing but a reset ends it. */
  shutdown(): void;
}

export interface ProcessorParts {
  readonly world: World;
  readonly number: number;
  readonly prefix: string;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly ram: PagedMemory;
  readonly memory: PhysicalMemory;
  /** Where its block lies in linear memory, and where its engine keeps records. */
  readonly block: number;
  readonly area: InterpreterArea;
  readonly bus: ProcessorBus;
  /** The trace tells of each walk of page tables. */
  readonly walks: boolean;
}

export class Processor implements Environment, Runner, ApicOwner {
  readonly name: string;
  readonly number: number;
  readonly profile: CpuProfile;
  readonly bootstrap: boolean;
  readonly state: CpuState;
  readonly memory: TranslatedMemory;
  readonly #world: World;
  readonly #bus: ProcessorBus;
  readonly #cpu: Cpu;
  readonly #virtualization: Virtualization | undefined;
  #slice: Slice | null = null;
  #isInterrupted: (() => boolean) | null = null;

  constructor(given: ProcessorParts) {
    const { world, number, prefix, profile, decoder, ram, memory, block, area, bus, walks } = given;
    this.name = `${prefix}cpu${number}`;
    this.number = number;
    this.profile = profile;
    this.bootstrap = number === 0;
    this.#world = world;
    this.#bus = bus;
    const state = new CpuState(ram.wasm.buffer, block);
    this.state = state;
    const [dataTlb, fetchTlb] = [new Tlb(), new Tlb()];
    this.memory = new TranslatedMemory(state, memory, dataTlb, fetchTlb, profile);
    if (walks) this.memory.onWalk = (walk) => this.#tellWalk(walk);
    const virtualization = makeVirtualization({
      state,
      memory: this.memory,
      physical: memory,
      environment: this,
    });
    this.#virtualization = virtualization;
    const parts = { state, decoder, memory: this.memory, environment: this, virtualization };
    this.#cpu = new Cpu(parts, new Interpreter(ram.wasm, parts, area));
    world.registry.array(this.name, state.bytes());
    world.registry.array(`${this.name}.data-tlb`, dataTlb.words);
    world.registry.array(`${this.name}.fetch-tlb`, fetchTlb.words);
    world.registry.array(`${this.name}.tables`, this.memory.tableWords());
    if (virtualization !== undefined)
      world.registry.array(`${this.name}.virtualization`, virtualization.bytes);
    world.registry.derived(() => {
      this.memory.restored();
      virtualization?.restored();
      state.attention = true;
    });
    world.addRunner(this);
  }

  #tellWalk({ linear, kind, steps, outcome }: WalkRecord): void {
    const entries = steps.map(
      ({ level, address, low, high }) =>
        `${level} ${address.toString(16)}=${hex32(high)}${hex32(low)}`,
    );
    const text =
      "frame" in outcome
        ? `frame ${outcome.frame.toString(16)}`
        : outcome.exit === undefined
          ? `#PF ${outcome.errorCode}`
          : `VM exit ${outcome.exit.reason}`;
    const fields = { linear, access: kind, entries: entries.join(", "), outcome: text };
    this.#world.trace.emit(WALKED, this.state.cycles, this.name, fields);
  }

  /** Says where the INTR wire is to be read. */
  connectInterrupt(isAsserted: () => boolean): void {
    this.#isInterrupted = isAsserted;
  }

  powerUp(): void {
    // Time-stamp counters of all processors begin at once, whatever their clocks.
    this.state.cycles = this.#world.now;
    this.#virtualization?.reset("power-up");
    powerUp(this.state, this);
    this.timeStampCounterMoved();
    if (!this.bootstrap) this.state.activity = ACTIVITY.waitForSipi;
    this.memory.invalidateAll(false);
    this.memory.contextChanged();
  }

  run(slice: Slice): void {
    const { state } = this;
    state.cycles = slice.clock;
    this.#slice = slice;
    this.#bus.running(this);
    while (slice.clock < slice.limit) {
      const stop = this.#cpu.run(slice.limit);
      slice.clock = state.cycles;
      if (stop === "limit") continue;
      if (stop === "shutdown") this.#bus.shutdown();
      slice.park();
      break;
    }
    this.#bus.running(null);
    this.#slice = null;
  }

  /** Before something outside is asked by this processor: the world's time is its time. */
  step(): void {
    if (this.#slice !== null) this.#slice.clock = this.state.cycles;
  }

  /** After something outside was asked: an event may be due earlier than the slice was to end. */
  look(): void {
    if (this.#slice !== null) this.#cpu.endBy(this.#slice.limit);
  }

  get timeStampOffset(): bigint {
    return readSlot(this.state, "TSC offset");
  }

  showTaskPriority(value: number): void {
    this.state.setControl("CR8", BigInt(value));
  }

  /** Its interrupt wires have changed, or what waits for it. */
  notify(): void {
    this.state.attention = true;
    this.#world.wake(this.name);
  }

  /** An event of PENDING. */
  signal(event: "nmi" | "init"): void {
    this.state.pending |= PENDING[event];
    this.notify();
  }

  startup(vector: number): void {
    this.state.pending = (this.state.pending & 0xff) | PENDING.sipi | (vector << 8);
    this.notify();
  }

  readPort(port: number, size: number): number {
    return this.#bus.readPort(port, size);
  }

  writePort(port: number, size: number, value: number): void {
    this.#bus.writePort(port, size, value);
  }

  assertFerr(): void {
    this.#bus.assertFerr();
  }

  isInterruptAsserted(): boolean {
    return this.#isInterrupted?.() ?? false;
  }

  acknowledgeInterrupt(): number {
    return this.#bus.acknowledgeInterrupt(this.number);
  }

  readMsr(number: number): bigint | null {
    return this.#bus.readMsr(this.number, number);
  }

  writeMsr(number: number, value: bigint): boolean {
    return this.#bus.writeMsr(this.number, number, value);
  }

  apicBaseChanged(value: bigint): void {
    this.#bus.apicBaseChanged(this.number, value);
  }

  explain({ outcome, check, field, value, section }: Refusal): void {
    this.#world.trace.emit(REFUSED, this.state.cycles, this.name, {
      outcome,
      check,
      field,
      value,
      section,
    });
  }

  taskPriorityChanged(value: number): void {
    this.#bus.taskPriorityChanged(this.number, value);
  }

  timeStampCounterMoved(): void {
    this.#bus.timeStampCounterMoved(this.number);
  }

  random(): bigint | null {
    const stream = this.#world.random(`${this.name}.rdrand`);
    return (BigInt(stream.below(2 ** 32)) << 32n) | BigInt(stream.below(2 ** 32));
  }
}

const hex32 = (word: number): string => word.toString(16).padStart(8, "0");
