/**
 * Programs of user code on a bare CPU with flat memory: what benchmarks and first experiments need, without a board or
 * an operating system.
 */

import { assert, InputError } from "../sim/assert.ts";
import { PagedMemory } from "../sim/paged-memory.ts";
import { type Assembled, assemble } from "../guests/assembler.ts";
import {
  BareSystem,
  type BareSystemParts,
  CODE,
  handlerOf,
  INTERRUPT_GATE,
} from "../guests/bare-system.ts";
import type { Hypervisor } from "../guests/hypervisors/hypervisor.ts";
import { svm } from "../guests/hypervisors/svm.ts";
import { vmx } from "../guests/hypervisors/vmx.ts";
import { KERNELS, type Kernel } from "../guests/kernels/kernels.ts";
import { SYSTEM_KERNELS, type SystemKernel } from "../guests/kernels/system.ts";
import { INTEL } from "../hw/cpu/cpuid/profile.ts";
import { Decoder } from "../hw/cpu/decode.ts";
import { Interpreter } from "../hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../hw/cpu/environment.ts";
import type { Fault } from "../hw/cpu/fault.ts";
import { FlatMemory } from "../hw/cpu/flat-memory.ts";
import { INSTRUCTIONS } from "../hw/cpu/isa/index.ts";
import { ReferenceCpu } from "../hw/cpu/reference.ts";
import { startLongMode } from "../hw/cpu/start.ts";
import { CpuState, gprNumber } from "../hw/cpu/state.ts";

export type { Kernel, SystemKernel };
export { KERNELS, SYSTEM_KERNELS };

/** Linear address at which programs lie. */
export const PROGRAM_START = 0x10_0000n;
const RECORD_BYTES = 1 << 22;
const DATA_OFFSET = 0x1_0000n;

/** What a program has in its registers when it starts, by the names of the manual; the rest are zero. */
export type StartRegisters = Readonly<Partial<Record<"rDI" | "rSI" | "rSP" | "rAX", bigint>>>;

/** A CPU with memory for one program after another. */
export class ProgramMachine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  readonly #interpreter: Interpreter;
  readonly #reference: ReferenceCpu;
  readonly #blank: ReturnType<PagedMemory["capture"]>;

  constructor(sizeBytes = 1 << 20, decoder = new Decoder(INSTRUCTIONS)) {
    this.memory = new PagedMemory(sizeBytes, CPU_BYTES + RECORD_BYTES);
    this.#blank = this.memory.capture();
    this.state = new CpuState(this.memory.wasm.buffer, 0);
    const flat = new FlatMemory(this.memory, PROGRAM_START);
    const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
    const environment = new BareEnvironment(INTEL);
    const parts = { state: this.state, decoder, memory: flat, environment };
    this.#interpreter = new Interpreter(this.memory.wasm, parts, area);
    this.#reference = new ReferenceCpu(parts);
  }

  /** Makes the machine as new and puts a program into it. */
  load(code: Uint8Array, entry: bigint, registers: StartRegisters = {}): void {
    if (code.length > this.memory.sizeBytes)
      throw new InputError("program: longer than the memory");
    this.memory.restore(this.#blank);
    this.memory.write(0, code);
    const { state } = this;
    state.bytes().fill(0);
    state.rflags = 2n;
    state.rip = entry;
    startLongMode(state, 3);
    for (const [name, value] of Object.entries(registers)) {
      state.setGpr(gprNumber(name as "rDI"), value);
    }
  }

  loadKernel(kernel: Kernel, work: number): void {
    const { bytes, labels } = assembled(kernel);
    this.load(bytes, labels.get("start") ?? PROGRAM_START, {
      rDI: BigInt(work),
      rSI: PROGRAM_START + DATA_OFFSET,
      rSP: PROGRAM_START + BigInt(this.memory.sizeBytes) - DATA_OFFSET,
    });
  }

  /** Runs on the interpreter to the first instruction boundary at or past `limit` cycles, or to a fault. */
  run(limit: number): Fault | null {
    let fault: Fault | null = null;
    while (fault === null && this.state.cycles < limit) fault = this.#interpreter.run(limit);
    return fault;
  }

  /** Executes one instruction, or one iteration of a repeated one, on the reference evaluator. */
  step(): Fault | null {
    return this.#reference.step();
  }
}

const programs = new Map<Kernel, Assembled>();

function assembled(kernel: Kernel): Assembled {
  const known = programs.get(kernel) ?? assemble(kernel.source, PROGRAM_START);
  programs.set(kernel, known);
  return known;
}

/** A bare system that goes round in a system kernel. */
export class SystemProgram {
  readonly #kernel: SystemKernel;
  readonly #system: BareSystem;

  constructor(kernel: SystemKernel) {
    const { bytes, labels } = assemble(kernel.source, BigInt(CODE));
    const decoder = new Decoder(INSTRUCTIONS);
    this.#kernel = kernel;
    this.#system = new BareSystem(bytes, {
      engine: "interpreter",
      decoder,
      profile: INTEL,
      cpl: kernel.cpl,
    });
    for (const [vector, label] of Object.entries(kernel.handlers))
      this.#system.setGate(Number(vector), INTERRUPT_GATE, Number(labels.get(label)));
  }

  /** Runs so many cycles more; instructions executed so far, to the last whole round. */
  run(cycles: number): number {
    const { cpu, state } = this.#system;
    cpu.run(state.cycles + cycles);
    return Number(state.gpr(R15)) * this.#kernel.instructions;
  }
}

const R15 = 15;

const HYPERVISORS: readonly Hypervisor[] = [vmx, svm];

export type HypervisorName = Hypervisor["name"];
export const HYPERVISOR_NAMES: readonly HypervisorName[] = HYPERVISORS.map(({ name }) => name);

function hypervisorOf(name: HypervisorName): Hypervisor {
  const found = HYPERVISORS.find((one) => one.name === name);
  if (found === undefined) throw new InputError(`${name}: no such virtualisation hardware`);
  return found;
}

/** A guest that does nothing but call its host, which enters it again. */
export class RoundTrips {
  readonly #system: BareSystem;

  constructor(name: HypervisorName) {
    const hypervisor = hypervisorOf(name);
    const { bytes } = assemble(`start: ${hypervisor.call}\n jmp start`, BigInt(CODE));
    this.#system = hypervisor.run(bytes, bareParts(0, new Decoder(INSTRUCTIONS)), "rounds");
  }

  /** Runs so many cycles more; how often the guest has been entered and left so far. */
  run(cycles: number): number {
    const { cpu, state } = this.#system;
    cpu.run(state.cycles + cycles);
    return Number(state.gpr(R15));
  }
}

const bareParts = (cpl: 0 | 3, decoder: Decoder): Omit<BareSystemParts, "profile"> => ({
  engine: "interpreter",
  decoder,
  cpl,
  memoryBytes: GUEST_BYTES,
  tlbEntries: GUEST_TLB,
});
const UD = 6;
const HLT = 0xf4;
const GUEST_BYTES = 2 << 20;
const GUEST_TLB = 2048;
const GUEST_DATA = 0x8_0000n;

/** A kernel of user code behind paging: as a guest, or without a hypervisor under it. */
class GuestProgram {
  readonly #system: BareSystem;

  /** With the same decoder, what is compiled of a program is found again by the next. */
  constructor(kernel: Kernel, under: HypervisorName | null, decoder: Decoder) {
    const { bytes, labels } = assemble(kernel.source, BigInt(CODE));
    const parts = bareParts(3, decoder);
    this.#system =
      under === null
        ? new BareSystem(bytes, { ...parts, profile: INTEL })
        : hypervisorOf(under).run(bytes, parts, "once");
    const { state, ram } = this.#system;
    // Without a host that sees UD2, its handler halts.
    if (under === null) ram.write8(handlerOf(UD), HLT);
    assert(labels.get("start") === BigInt(CODE), "a kernel begins with its first instruction");
    state.setGpr(gprNumber("rDI"), BigInt(kernel.work));
    state.setGpr(gprNumber("rSI"), GUEST_DATA);
  }

  /** Runs so many cycles more; false when the program has come to its end. */
  run(cycles: number): boolean {
    const { cpu, state } = this.#system;
    const end = state.cycles + cycles;
    while (state.cycles < end) if (cpu.run(end) !== "limit") return false;
    return true;
  }

  get cycles(): number {
    return this.#system.state.cycles;
  }
}

/** The same kernel again and again, each time in a machine of its own. */
export class GuestPrograms {
  readonly #kernel: Kernel;
  readonly #decoder = new Decoder(INSTRUCTIONS);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  start(under: HypervisorName | null): GuestProgram {
    return new GuestProgram(this.#kernel, under, this.#decoder);
  }
}
