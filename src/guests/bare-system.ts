/**
 * The smallest system of 64-bit mode around a piece of code: flat segments for CPL 0 and 3, identity-mapped pages, a
 * TSS with all stacks, and an IDT in which each vector has a handler of its own.
 */

import { Cpu, type Stop } from "../hw/cpu/cpu.ts";
import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import type { Decoder } from "../hw/cpu/decode.ts";
import { Interpreter } from "../hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../hw/cpu/environment.ts";
import { makeVirtualization } from "../hw/cpu/make-virtualization.ts";
import { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../hw/cpu/reference.ts";
import { powerUp, startLongMode } from "../hw/cpu/start.ts";
import { CpuState, RIGHTS } from "../hw/cpu/state.ts";
import { Tlb } from "../hw/cpu/tlb.ts";
import { TranslatedMemory } from "../hw/cpu/translated-memory.ts";
import { PagedMemory } from "../sim/paged-memory.ts";

const MEMORY_BYTES = 0x4_0000;
const RECORD_BYTES = 1 << 19;
const [GDT, IDT, TSS, TABLES] = [0x1000, 0x2000, 0x3000, 0x4000] as const;
const GATE_BYTES = 16;
/** Handlers lie so far apart. */
const HANDLER_BYTES = 16;

/** From here to CODE nothing lies: room for a hypervisor. */
export const HYPERVISOR = 0x8000;

/** A page that nothing else uses, and where the entry of a page of the identity mapping lies. */
export const SPARE_PAGE = 0x3_c000;
export const pageEntryOf = (address: number): number =>
  TABLES + 0x3000 + 8 * Math.floor(address / 4096);

export const CODE = 0x1_0000;
export const HANDLERS = 0x2_0000;
/** Tops of stacks: of CPL 0 and 3, the TSS's for CPL 0, and those of the seven entries of the IST. */
export const STACK = { kernel: 0x1_8000, user: 0x1_9000, rsp0: 0x1_a000, ist: 0x1_b000 } as const;
export const SELECTORS = {
  kernelCode: 0x08,
  kernelData: 0x10,
  userCode: 0x1b,
  userData: 0x23,
} as const;

export interface Gate {
  readonly type: 14 | 15;
  readonly dpl: number;
  readonly ist: number;
  readonly present: boolean;
  readonly selector: number;
}

export const INTERRUPT_GATE: Gate = {
  type: 14,
  dpl: 3,
  ist: 0,
  present: true,
  selector: SELECTORS.kernelCode,
};

export const istTop = (ist: number): number => STACK.ist + 0x200 * ist;
export const handlerOf = (vector: number): number => HANDLERS + HANDLER_BYTES * vector;

/** What a system is made of beside its code. */
export interface BareSystemParts {
  readonly engine: EngineName;
  readonly decoder: Decoder;
  readonly profile: CpuProfile;
  /** The level that the code starts at. */
  readonly cpl: 0 | 3;
  /** 256 KiB where not said, and at most 2 MiB. */
  readonly memoryBytes?: number;
  readonly tlbEntries?: number;
}

class Line extends BareEnvironment {
  vector: number | null = null;

  override isInterruptAsserted(): boolean {
    return this.vector !== null;
  }

  override acknowledgeInterrupt(): number {
    const { vector } = this;
    this.vector = null;
    return vector ?? 0;
  }
}

export type EngineName = "reference" | "interpreter";

export class BareSystem {
  readonly ram: PagedMemory;
  readonly state: CpuState;
  readonly memory: TranslatedMemory;
  readonly cpu: Cpu;
  readonly #line: Line;

  constructor(code: Uint8Array, given: BareSystemParts) {
    const { engine, decoder, profile, cpl, memoryBytes = MEMORY_BYTES, tlbEntries = 64 } = given;
    const ram = new PagedMemory(memoryBytes, CPU_BYTES + RECORD_BYTES);
    const state = new CpuState(ram.wasm.buffer, 0);
    this.ram = ram;
    this.state = state;
    this.#line = new Line(profile);
    ram.write(CODE, code);
    // Handlers return.
    for (let vector = 0; vector < 256; vector += 1) {
      this.setGate(vector, INTERRUPT_GATE);
      ram.write(handlerOf(vector), Uint8Array.of(0x48, 0xcf));
    }
    [
      0,
      0x00af_9b00_0000_ffffn,
      0x00cf_9300_0000_ffffn,
      0x00af_fb00_0000_ffffn,
      0x00cf_f300_0000_ffffn,
    ]
      .map(BigInt)
      .forEach((descriptor, i) => {
        ram.write64(GDT + 8 * i, descriptor);
      });
    ram.write64(TSS + 4, BigInt(STACK.rsp0));
    for (let ist = 1; ist < 8; ist += 1) ram.write64(TSS + 28 + 8 * ist, BigInt(istTop(ist)));
    ram.write64(TABLES, BigInt(TABLES + 0x1007));
    ram.write64(TABLES + 0x1000, BigInt(TABLES + 0x2007));
    ram.write64(TABLES + 0x2000, BigInt(TABLES + 0x3007));
    for (let page = 0; page < memoryBytes / 4096; page += 1)
      ram.write64(TABLES + 0x3000 + 8 * page, BigInt(4096 * page + 7));
    powerUp(state, this.#line);
    startLongMode(state, cpl);
    state.setControl("CR3", BigInt(TABLES));
    state.setTable("GDTR", { base: BigInt(GDT), limit: 5 * 8 - 1 });
    state.setTable("IDTR", { base: BigInt(IDT), limit: 256 * GATE_BYTES - 1 });
    const rights = RIGHTS.present | 0xb;
    state.setSystemSegment("TR", { selector: 0x28, base: BigInt(TSS), limit: 0x67, rights });
    const [cs, ss] = cpl === 0 ? [0x08, 0x10] : [0x1b, 0x23];
    state.setSegment("CS", { ...state.segment("CS"), selector: cs });
    state.setSegment("SS", { ...state.segment("SS"), selector: ss });
    state.rip = BigInt(CODE);
    state.setGpr(4, BigInt(cpl === 0 ? STACK.kernel : STACK.user));
    const physical = new PhysicalMemory(ram);
    const [dataTlb, fetchTlb] = [new Tlb(tlbEntries), new Tlb(tlbEntries)];
    const memory = new TranslatedMemory(state, physical, dataTlb, fetchTlb, profile);
    this.memory = memory;
    const environment = this.#line;
    const virtualization = makeVirtualization({ state, memory, physical, environment });
    const parts = { state, decoder, memory, environment, virtualization };
    const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
    this.cpu = new Cpu(
      parts,
      engine === "reference" ? new ReferenceCpu(parts) : new Interpreter(ram.wasm, parts, area),
    );
  }

  setGate(
    vector: number,
    { type, dpl, ist, present, selector }: Gate,
    offset = handlerOf(vector),
  ): void {
    const high = BigInt(
      (offset & 0xffff_0000) | (present ? 0x8000 : 0) | (dpl << 13) | (type << 8) | ist,
    );
    const low = BigInt(((selector << 16) | (offset & 0xffff)) >>> 0);
    this.ram.write64(IDT + GATE_BYTES * vector, (high << 32n) | low);
  }

  /** Makes a page of the identity mapping absent. */
  unmap(address: number): void {
    this.ram.write64(pageEntryOf(address), 0n);
  }

  raise(vector: number): void {
    this.#line.vector = vector;
    this.state.attention = true;
  }

  /** Executes one instruction, or takes one event. */
  step(): Stop {
    return this.cpu.run(this.state.cycles + 1);
  }

  /** Quadwords from an address on. */
  words(address: bigint, count: number): bigint[] {
    return Array.from({ length: count }, (_, i) => this.ram.read64(Number(address) + 8 * i));
  }
}
