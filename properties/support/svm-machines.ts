/**
 * A host that runs one guest on SVM, in either engine, one instruction at a time. The VMCB is written here by the
 * manual's own table (APM Vol. 2, "VMCB Layout"), and not by what the CPU has of it.
 */

import { Cpu, type Stop } from "../../src/hw/cpu/cpu.ts";
import { type CpuProfile, makeProfile } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment, type Refusal } from "../../src/hw/cpu/environment.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { makeVirtualization } from "../../src/hw/cpu/make-virtualization.ts";
import { PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { powerUp, startLongMode } from "../../src/hw/cpu/start.ts";
import { CpuState, EFER, PENDING, RIGHTS } from "../../src/hw/cpu/state.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import type { Virtualization } from "../../src/hw/cpu/virtualization.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import type { EngineName } from "./privileged-machines.ts";

/** Offset and bytes. */
const FIELDS = {
  CR_READ: [0x0, 2],
  CR_WRITE: [0x2, 2],
  DR_READ: [0x4, 2],
  DR_WRITE: [0x6, 2],
  EXCEPTIONS: [0x8, 4],
  VECTOR_3: [0xc, 4],
  VECTOR_4: [0x10, 4],
  VECTOR_5: [0x14, 4],
  IOPM_BASE_PA: [0x40, 8],
  MSRPM_BASE_PA: [0x48, 8],
  TSC_OFFSET: [0x50, 8],
  GUEST_ASID: [0x58, 4],
  TLB_CONTROL: [0x5c, 1],
  V_INTR: [0x60, 8],
  INTERRUPT_SHADOW: [0x68, 8],
  EXITCODE: [0x70, 8],
  EXITINFO1: [0x78, 8],
  EXITINFO2: [0x80, 8],
  EXITINTINFO: [0x88, 8],
  NP_ENABLE: [0x90, 8],
  EVENTINJ: [0xa8, 8],
  N_CR3: [0xb0, 8],
  CLEAN: [0xc0, 4],
  NRIP: [0xc8, 8],
  CS_ATTRIBUTES: [0x412, 2],
  GDTR_LIMIT: [0x464, 4],
  GDTR_BASE: [0x468, 8],
  IDTR_LIMIT: [0x484, 4],
  IDTR_BASE: [0x488, 8],
  CPL: [0x4cb, 1],
  EFER: [0x4d0, 8],
  CR4: [0x548, 8],
  CR3: [0x550, 8],
  CR0: [0x558, 8],
  DR7: [0x560, 8],
  DR6: [0x568, 8],
  RFLAGS: [0x570, 8],
  RIP: [0x578, 8],
  RSP: [0x5d8, 8],
  RAX: [0x5f8, 8],
  CR2: [0x640, 8],
  G_PAT: [0x668, 8],
} as const;
export type Field = keyof typeof FIELDS;

export function offsetOf(field: Field): { readonly offset: number; readonly length: number } {
  const [offset, length] = FIELDS[field];
  return { offset, length };
}

/** VMEXIT_INVALID, as the 64 bits of EXITCODE. */
export const INVALID = 2n ** 64n - 1n;

/** What the host has of physical memory. */
export const HOST = {
  tables: 0x1000,
  vmcb: 0x5000,
  iopm: 0x6000,
  msrpm: 0x9000,
  code: 0xb000,
  idt: 0xc000,
  gdt: 0xd000,
  data: 0xe000,
  stack: 0xf800,
  nested: 0x1_0000,
} as const;

/** What the guest has: guest-physical addresses, which are linear and physical ones too. */
export const GUEST = {
  first: 0x1_4000,
  tables: 0x1_4000,
  idt: 0x1_8000,
  gdt: 0x1_9000,
  tss: 0x1_9800,
  code: 0x1_a000,
  data: 0x1_b000,
  stack: 0x1_c800,
  handlers: 0x1_d000,
  spare: 0x1_e000,
} as const;

const MEMORY_BYTES = 0x3_0000;
const RECORD_BYTES = 1 << 19;
const DESCRIPTORS = [
  0n,
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
  0x00cf_f300_0000_ffffn,
];
const HANDLER_BYTES = 4;
const RAX = 0;
const RSP = 4;
const BUSY_TSS = RIGHTS.present | 0xb;

/** Where the handler of a vector of the guest lies. */
export const handlerOf = (vector: number): number => GUEST.handlers + HANDLER_BYTES * vector;

export const PROFILE: CpuProfile = makeProfile({ base: "amd", with: ["MONITOR"] });
const decoder = new Decoder(INSTRUCTIONS, PROFILE.features);

/** Wires and ports, and why instructions were refused. */
class Surroundings extends BareEnvironment {
  vector: number | null = null;
  readonly refusals: Refusal[] = [];
  written: readonly string[] = [];

  override isInterruptAsserted(): boolean {
    return this.vector !== null;
  }

  override acknowledgeInterrupt(): number {
    const { vector } = this;
    this.vector = null;
    return vector ?? 0;
  }

  override writePort(port: number, size: number, value: number): void {
    this.written = [...this.written, `${port}/${size}=${value}`];
  }

  override explain(refusal: Refusal): void {
    this.refusals.push(refusal);
  }
}

/** All that is state. */
export interface Moment {
  readonly parts: readonly Uint8Array[];
  readonly vector: number | null;
  readonly written: readonly string[];
}

export class SvmMachine {
  readonly ram = new PagedMemory(MEMORY_BYTES, CPU_BYTES + RECORD_BYTES);
  readonly state = new CpuState(this.ram.wasm.buffer, 0);
  readonly memory: TranslatedMemory;
  readonly cpu: Cpu;
  readonly surroundings = new Surroundings(PROFILE);
  readonly #virtualization: Virtualization;

  /** A guest of 64-bit mode with nested paging, at a level. */
  constructor(engine: EngineName, code: readonly number[] = [], cpl: 0 | 3 = 0) {
    const { ram, state, surroundings } = this;
    const physical = new PhysicalMemory(ram);
    this.memory = new TranslatedMemory(state, physical, new Tlb(), new Tlb(), PROFILE);
    const { memory } = this;
    const around = { state, memory, physical, environment: surroundings };
    const virtualization = makeVirtualization(around);
    if (virtualization === undefined) throw new Error("the profile has SVM");
    this.#virtualization = virtualization;
    const parts = { ...around, decoder, virtualization };
    const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
    this.cpu = new Cpu(
      parts,
      engine === "reference" ? new ReferenceCpu(parts) : new Interpreter(ram.wasm, parts, area),
    );
    this.#layHost();
    this.#layGuest(code);
    this.#layControl(cpl);
    this.memory.contextChanged();
  }

  get(field: Field): bigint {
    const [offset, bytes] = FIELDS[field];
    const whole = this.ram.read64(HOST.vmcb + offset);
    return BigInt.asUintN(8 * bytes, whole);
  }

  set(field: Field, value: bigint | number): void {
    const [offset, bytes] = FIELDS[field];
    const word = BigInt(value);
    for (let i = 0; i < bytes; i += 1)
      this.ram.write8(HOST.vmcb + offset + i, Number((word >> BigInt(8 * i)) & 0xffn));
  }

  /** Executes one instruction, or takes one event. */
  step(): Stop {
    return this.cpu.run(this.state.cycles + 1);
  }

  /** VMRUN alone: in the guest then, unless the entry has failed. */
  enter(): void {
    this.atHost();
    this.step();
  }

  /** The host is about to execute its code. */
  atHost(): void {
    const { state } = this;
    state.rip = BigInt(HOST.code);
    state.setGpr(RAX, BigInt(HOST.vmcb));
    state.attention = true;
  }

  /** VMRUN, and the guest until it exits. */
  run(most = 100): void {
    this.enter();
    this.runGuest(most);
  }

  runGuest(most = 100): void {
    for (let i = 0; this.state.isGuest; i += 1) {
      if (i === most) throw new Error("the guest does not exit");
      this.step();
    }
  }

  arrive(kind: "INTR" | "NMI" | "INIT", vector = 0): void {
    const { state, surroundings } = this;
    if (kind === "INTR") surroundings.vector = vector;
    else state.pending |= kind === "NMI" ? PENDING.nmi : PENDING.init;
    state.attention = true;
  }

  #bytes(): readonly Uint8Array[] {
    const words = [...this.memory.tlbWords(), this.memory.tableWords()];
    return [
      this.state.bytes(),
      this.#virtualization.bytes,
      ...words.map(({ buffer }) => new Uint8Array(buffer)),
    ];
  }

  /** Everything that is state, as text. */
  look(): string {
    const { ram, surroundings } = this;
    const memory = ram.read(0, MEMORY_BYTES);
    const bytes = [...this.#bytes(), memory].map((part) => Buffer.from(part).toString("latin1"));
    return [...bytes, surroundings.written.join(), `${surroundings.vector}`].join("|");
  }

  save(): Moment {
    const parts = [...this.#bytes(), this.ram.read(0, MEMORY_BYTES)];
    const { vector, written } = this.surroundings;
    return { parts: parts.map((part) => part.slice()), vector, written };
  }

  load({ parts, vector, written }: Moment): void {
    this.#bytes().forEach((bytes, i) => {
      bytes.set(parts[i] as Uint8Array);
    });
    this.ram.write(0, parts.at(-1) as Uint8Array);
    this.surroundings.vector = vector;
    this.surroundings.written = written;
    this.state.attention = true;
    this.memory.restored();
    this.#virtualization.restored();
  }

  #layHost(): void {
    const { ram, state } = this;
    layTables(ram, HOST.tables, 0, MEMORY_BYTES);
    layTables(ram, HOST.nested, GUEST.first, MEMORY_BYTES);
    DESCRIPTORS.forEach((descriptor, i) => {
      ram.write64(HOST.gdt + 8 * i, descriptor);
    });
    // VMRUN; HLT.
    ram.write(HOST.code, Uint8Array.of(0x0f, 0x01, 0xd8, 0xf4));
    powerUp(state, this.surroundings);
    startLongMode(state, 0);
    state.setControl("EFER", state.control("EFER") | EFER.SVME);
    state.setControl("CR3", BigInt(HOST.tables));
    state.setTable("GDTR", { base: BigInt(HOST.gdt), limit: 0x27 });
    state.setTable("IDTR", { base: BigInt(HOST.idt), limit: 0xfff });
    const tss = { selector: 0x28, base: BigInt(GUEST.tss), limit: 0x67, rights: BUSY_TSS };
    state.setSystemSegment("TR", tss);
    state.setGpr(RSP, BigInt(HOST.stack));
  }

  #layGuest(code: readonly number[]): void {
    const { ram } = this;
    layTables(ram, GUEST.tables, 0, MEMORY_BYTES);
    DESCRIPTORS.forEach((descriptor, i) => {
      ram.write64(GUEST.gdt + 8 * i, descriptor);
    });
    ram.write64(GUEST.tss + 4, BigInt(GUEST.stack));
    ram.write(GUEST.code, Uint8Array.from(code));
    for (let vector = 0; vector < 256; vector += 1) {
      const at = handlerOf(vector);
      const gate = ((BigInt(at) & 0xffff_0000n) << 32n) | (0xee00n << 32n) | 0x8_0000n;
      ram.write64(GUEST.idt + 16 * vector, gate | BigInt(at & 0xffff));
      // VMMCALL.
      ram.write(at, Uint8Array.of(0x0f, 0x01, 0xd9));
    }
  }

  #layControl(cpl: 0 | 3): void {
    this.set("VECTOR_4", 3);
    this.set("IOPM_BASE_PA", HOST.iopm);
    this.set("MSRPM_BASE_PA", HOST.msrpm);
    this.set("GUEST_ASID", 1);
    this.set("NP_ENABLE", 1);
    this.set("N_CR3", HOST.nested);
    this.set("G_PAT", 0x0007_0406_0007_0406n);
    this.#setSegment(0x410, cpl === 0 ? 0x08 : 0x1b, cpl === 0 ? 0xa9b : 0xafb);
    for (const at of [0x400, 0x420, 0x430])
      this.#setSegment(at, cpl === 0 ? 0x10 : 0x23, cpl === 0 ? 0xc93 : 0xcf3);
    this.set("GDTR_BASE", GUEST.gdt);
    this.set("GDTR_LIMIT", 0x27);
    this.set("IDTR_BASE", GUEST.idt);
    this.set("IDTR_LIMIT", 0xfff);
    this.set("CPL", cpl);
    this.set("EFER", 0x1d01);
    this.set("CR0", 0x8000_0033);
    this.set("CR3", GUEST.tables);
    this.set("CR4", 0x620);
    this.set("DR6", 0xffff_0ff0);
    this.set("DR7", 0x400);
    this.set("RFLAGS", 2);
    this.set("RIP", GUEST.code);
    this.set("RSP", GUEST.stack);
  }

  #setSegment(at: number, selector: number, attributes: number): void {
    const low = BigInt((selector | (attributes << 16)) >>> 0) | (0xffff_ffffn << 32n);
    this.ram.write64(HOST.vmcb + at, low);
    this.ram.write64(HOST.vmcb + at + 8, 0n);
  }
}

/** Present, writable, for everybody, accessed and dirty. */
const USED = 0x67;

/** Four tables that map pages from `first` on to themselves, for everybody. */
function layTables(ram: PagedMemory, at: number, first: number, end: number): void {
  for (const level of [0, 1, 2])
    ram.write64(at + level * PAGE_SIZE, BigInt(at + (level + 1) * PAGE_SIZE + USED));
  for (let page = first; page < end; page += PAGE_SIZE)
    ram.write64(at + 3 * PAGE_SIZE + page / 512, BigInt(page + USED));
}

/** Where the last entry for a page lies in such tables. */
export const entryAt = (tables: number, page: number): number =>
  tables + 3 * PAGE_SIZE + Math.floor(page / PAGE_SIZE) * 8;
