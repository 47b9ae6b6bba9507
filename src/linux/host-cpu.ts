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
import { BareEnvironment, type Refusal } from "../hw/cpu/environment.ts";
import { makeVirtualization } from "../hw/cpu/make-virtualization.ts";
import { readMsr } from "../hw/cpu/msr/access.ts";
import type { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { powerUp, startLongMode } from "../hw/cpu/start.ts";
import { CpuState } from "../hw/cpu/state.ts";
import { Tlb } from "../hw/cpu/tlb.ts";
import { TranslatedMemory } from "../hw/cpu/translated-memory.ts";
import type { Virtualization } from "../hw/cpu/virtualization.ts";

/** For decoded code. */
const RECORD_BYTES = 1 << 19;
/** What a CPU takes of the engine's part of linear memory. */
export const HOST_CPU_BYTES = CPU_BYTES + RECORD_BYTES;

export interface HostCpuParts {
  readonly number: number;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly physical: PhysicalMemory;
}

class KernelEnvironment extends BareEnvironment {
  isWanted = false;
  /** What the CPU last said of an entry that it has refused. */
  refusal: Refusal | null = null;

  override isInterruptAsserted(): boolean {
    return this.isWanted;
  }

  override explain(refusal: Refusal): void {
    this.refusal = refusal;
  }
}

export class HostCpu {
  readonly number: number;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly state: CpuState;
  readonly memory: TranslatedMemory;
  readonly physical: PhysicalMemory;
  readonly virtualization: Virtualization | undefined;
  readonly #environment: KernelEnvironment;
  readonly #cpu: Cpu;

  constructor({ number, profile, decoder, physical }: HostCpuParts) {
    this.number = number;
    this.profile = profile;
    this.decoder = decoder;
    this.physical = physical;
    const { wasm } = physical.ram;
    const block = number * HOST_CPU_BYTES;
    const state = new CpuState(wasm.buffer, block);
    this.state = state;
    const environment = new KernelEnvironment(profile);
    this.#environment = environment;
    const memory = new TranslatedMemory(state, physical, new Tlb(), new Tlb(), profile);
    this.memory = memory;
    const virtualization = makeVirtualization({ state, memory, physical, environment });
    this.virtualization = virtualization;
    const parts = { state, decoder, memory, environment, virtualization };
    const area = { records: block + CPU_BYTES, recordBytes: RECORD_BYTES };
    this.#cpu = new Cpu(parts, new Interpreter(wasm, parts, area), true);
    powerUp(state, environment);
    startLongMode(state, 0);
    memory.contextChanged();
  }

  /** Why the last entry was refused. */
  get refusal(): Refusal | null {
    return this.#environment.refusal;
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
    this.#environment.isWanted = value;
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
