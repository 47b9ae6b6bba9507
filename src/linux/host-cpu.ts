/**
 * A physical CPU of a host whose kernel is TypeScript: it executes machine code only while a guest runs. The kernel
 * uses the instructions of VMX or SVM by calling what they are made of, and INTR is the wire by which it gets a CPU
 * back from a guest.
 */

import { Cpu, type Stop } from "../hw/cpu/cpu.ts";
import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import type { Decoder } from "../hw/cpu/decode.ts";
import { Interpreter } from "../hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../hw/cpu/environment.ts";
import { makeVirtualization } from "../hw/cpu/make-virtualization.ts";
import { readMsr } from "../hw/cpu/msr/access.ts";
import type { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { powerUp, startLongMode } from "../hw/cpu/start.ts";
import { CpuState } from "../hw/cpu/state.ts";
import { Tlb } from "../hw/cpu/tlb.ts";
import type { RandomStream } from "../sim/random.ts";
import type { Slice } from "../sim/schedule.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";
import { TranslatedMemory } from "../hw/cpu/translated-memory.ts";
import type { Virtualization } from "../hw/cpu/virtualization.ts";

/** What a CPU takes of the engine's part of linear memory. */
export const hostCpuBytes = (recordBytes: number): number => CPU_BYTES + recordBytes;

export interface HostCpuParts {
  readonly world: World;
  readonly name: string;
  readonly number: number;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly physical: PhysicalMemory;
  /** Bytes that its engine keeps decoded code in. */
  readonly recordBytes: number;
}

interface Wish {
  isWanted: boolean;
}

class KernelEnvironment extends BareEnvironment {
  readonly wish: Cell<Wish>;

  constructor(profile: CpuProfile, random: RandomStream, wish: Cell<Wish>) {
    super(profile, random);
    this.wish = wish;
  }

  override isInterruptAsserted(): boolean {
    return this.wish.value.isWanted;
  }
}

export class HostCpu {
  readonly name: string;
  readonly number: number;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly state: CpuState;
  readonly memory: TranslatedMemory;
  readonly physical: PhysicalMemory;
  readonly virtualization: Virtualization | undefined;
  readonly #environment: KernelEnvironment;
  readonly #cpu: Cpu;
  /** While it runs in the world's order; without it its clock is nobody else's. */
  #slice: Slice | null = null;

  constructor(given: HostCpuParts) {
    const { world, name, number, profile, decoder, physical, recordBytes } = given;
    this.name = name;
    this.number = number;
    this.profile = profile;
    this.decoder = decoder;
    this.physical = physical;
    const { wasm } = physical.ram;
    const block = number * hostCpuBytes(recordBytes);
    const state = new CpuState(wasm.buffer, block);
    this.state = state;
    const environment = new KernelEnvironment(
      profile,
      world.random(`${name}.rdrand`),
      world.registry.plain<Wish>(`${name}.wish`, { isWanted: false }),
    );
    this.#environment = environment;
    const [dataTlb, fetchTlb] = [new Tlb(), new Tlb()];
    const memory = new TranslatedMemory(state, physical, dataTlb, fetchTlb, profile);
    this.memory = memory;
    const virtualization = makeVirtualization({ state, memory, physical, environment });
    this.virtualization = virtualization;
    const parts = { state, decoder, memory, environment, virtualization };
    const area = { records: block + CPU_BYTES, recordBytes };
    this.#cpu = new Cpu(parts, new Interpreter(wasm, parts, area), true);
    powerUp(state, environment);
    startLongMode(state, 0);
    memory.contextChanged();
    world.registry.array(name, state.bytes());
    world.registry.array(`${name}.data-tlb`, dataTlb.words);
    world.registry.array(`${name}.fetch-tlb`, fetchTlb.words);
    world.registry.array(`${name}.tables`, memory.tableWords());
    if (virtualization !== undefined)
      world.registry.array(`${name}.virtualization`, virtualization.bytes);
    world.registry.derived(() => {
      memory.restored();
      virtualization?.restored();
      state.attention = true;
    });
  }

  /** From now on the world's time is its time. */
  begin(slice: Slice): void {
    // Who was got back from a guest meanwhile has spent time on that.
    if (this.state.cycles > slice.clock) slice.clock = this.state.cycles;
    this.state.cycles = slice.clock;
    this.#slice = slice;
  }

  end(): void {
    this.#slice = null;
  }

  get clock(): number {
    return this.state.cycles;
  }

  /** Who runs a guest gives the CPU back. */
  kick(): void {
    if (this.state.isGuest) this.isWanted = true;
  }

  idle(until: number): void {
    this.state.cycles = Math.max(this.state.cycles, until);
    this.tick();
  }

  /** Before something is asked whose time is the world's. */
  tick(): void {
    if (this.#slice !== null) this.#slice.clock = this.state.cycles;
  }

  /** RDMSR; null for one that the CPU does not have. */
  readMsr(number: number): bigint | null {
    const { state, memory } = this;
    return readMsr({ state, memory, environment: this.#environment }, number);
  }

  /** Runs the guest that has been entered, to its exit or to the limit. */
  run(limit: number): Stop {
    return this.#cpu.run(limit);
  }

  /** The kernel wants the CPU, or does not any more. */
  set isWanted(value: boolean) {
    this.#environment.wish.value.isWanted = value;
    this.state.attention = true;
  }

  /** An IPI to a CPU in a guest, whose arrival is waited for: the guest is left at its next boundary. */
  expel(): void {
    if (!this.state.isGuest) return;
    this.isWanted = true;
    while (this.state.isGuest && this.#cpu.run(this.state.cycles + EXPEL_CYCLES) === "limit");
    this.isWanted = false;
  }
}

/** More than any instruction costs. */
const EXPEL_CYCLES = 1000;
