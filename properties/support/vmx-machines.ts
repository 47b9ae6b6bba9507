/**
 * A CPU of the Intel profile that runs a guest: host in 64-bit mode, guest in 64-bit mode, in protected mode without
 * paging or in real mode, behind EPT or without. Laid out anew for each case; the host enters by its own instructions.
 */

import { Cpu } from "../../src/hw/cpu/cpu.ts";
import { INTEL } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment, type Refusal } from "../../src/hw/cpu/environment.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { writeSlot } from "../../src/hw/cpu/msr/slots.ts";
import { PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { powerUp, startLongMode } from "../../src/hw/cpu/start.ts";
import { CR0, CR4, CpuState } from "../../src/hw/cpu/state.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import { type FieldName, fieldOf } from "../../src/hw/cpu/vmx/fields.ts";
import { REVISION } from "../../src/hw/cpu/vmx/vmcs.ts";
import { Vmx } from "../../src/hw/cpu/vmx/vmx.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { RandomStreams } from "../../src/sim/random.ts";

const MEMORY_BYTES = 0x4_0000;
const RECORD_BYTES = 1 << 17;

/** Physical addresses; those of the guest are guest-physical too. */
export const AT = {
  hostTables: 0x1000,
  ept: 0x4000,
  guestTables: 0x8000,
  vmxon: 0xb000,
  vmcs: 0xc000,
  ioBitmapA: 0xd000,
  ioBitmapB: 0xe000,
  msrBitmaps: 0xf000,
  /** What runs before the first entry, and after exits. */
  hostCode: 0x1_0000,
  hostExit: 0x1_1000,
  guestCode: 0x1_2000,
  guestData: 0x1_3000,
  guestStack: 0x1_5000,
  hostStack: 0x1_6000,
  msrAreas: 0x1_7000,
  pml: 0x1_8000,
  virtualApic: 0x1_9000,
  guestIdt: 0x1_a000,
  guestGdt: 0x1_b000,
  handlers: 0x1_c000,
  spare: 0x2_0000,
} as const;

export type EngineName = "reference" | "interpreter";
export const ENGINES: readonly EngineName[] = ["reference", "interpreter"];

export const GUEST_MODES = ["64-bit", "protected", "real"] as const;
export type GuestMode = (typeof GUEST_MODES)[number];

export type Fields = Partial<Record<FieldName, bigint>>;

export interface GuestCase {
  readonly mode: GuestMode;
  readonly code: readonly number[];
  /** What the host does after an exit; by default it halts. */
  readonly hostExit?: readonly number[];
  /** What differs from a valid control block. */
  readonly fields?: Fields;
}

/** Wires that a law pulls, and what the trace is told. */
class Surroundings extends BareEnvironment {
  readonly refusals: Refusal[] = [];
  readonly log: string[] = [];
  interrupt: number | null = null;

  override isInterruptAsserted(): boolean {
    return this.interrupt !== null;
  }

  override acknowledgeInterrupt(): number {
    const vector = this.interrupt ?? 0;
    this.interrupt = null;
    this.log.push(`acknowledged ${vector}`);
    return vector;
  }

  override readPort(port: number, size: number): number {
    this.log.push(`in ${port} ${size}`);
    return (port * 0x0101_0101 + size) % 2 ** (8 * size);
  }

  override writePort(port: number, size: number, value: number): void {
    this.log.push(`out ${port} ${size} ${value}`);
  }

  override explain(refusal: Refusal): void {
    this.refusals.push(refusal);
  }
}

const DECODER = new Decoder(INSTRUCTIONS, INTEL.features);

export class VmxMachine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  readonly translated: TranslatedMemory;
  readonly environment: Surroundings;
  readonly vmx: Vmx;
  readonly cpu: Cpu;
  readonly #tlbs = [new Tlb(64), new Tlb(64)] as const;

  constructor(of: GuestCase, engine: EngineName) {
    const memory = new PagedMemory(MEMORY_BYTES, CPU_BYTES + RECORD_BYTES);
    this.memory = memory;
    this.state = new CpuState(memory.wasm.buffer, 0);
    this.environment = new Surroundings(INTEL, new RandomStreams("1").stream("cpu"));
    const { state, environment } = this;
    const physical = new PhysicalMemory(memory);
    this.translated = new TranslatedMemory(state, physical, ...this.#tlbs, INTEL);
    this.vmx = new Vmx({ state, memory: this.translated, physical, environment });
    const parts = {
      state,
      environment,
      memory: this.translated,
      decoder: DECODER,
      virtualization: this.vmx,
    };
    const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
    const reference = new ReferenceCpu(parts);
    this.cpu = new Cpu(
      parts,
      engine === "reference" ? reference : new Interpreter(memory.wasm, parts, area),
    );
    this.#lay(of);
  }

  read(name: FieldName): bigint {
    return this.vmx.vmcs.read(fieldOf(name));
  }

  write(name: FieldName, value: bigint): void {
    this.vmx.write(fieldOf(name), value, false);
  }

  /** One instruction, event or entry. */
  step(): void {
    this.cpu.run(this.state.cycles + 1);
  }

  /** VMLAUNCH, to the boundary before the guest's first instruction. */
  launch(): void {
    this.step();
  }

  /** Runs until no guest runs, or so many cycles are over. */
  untilExit(cycles = 10_000): void {
    const { state } = this;
    const end = state.cycles + cycles;
    while (state.isGuest && state.cycles < end) this.step();
  }

  /** Everything: registers, VMX, memory, TLBs, and what was seen outside. */
  look(): string {
    return this.parts()
      .map((bytes) => Buffer.from(bytes).toString("hex"))
      .concat(this.environment.log.join())
      .join(" ");
  }

  /** All state, as what a snapshot would hold. */
  parts(): readonly Uint8Array[] {
    const { buffer, byteOffset, length } = this.memory.bytes;
    const words = [...this.#tlbs.map((tlb) => tlb.words), this.translated.tableWords()];
    return [
      this.state.bytes(),
      this.vmx.bytes,
      ...words.map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength)),
      new Uint8Array(buffer, byteOffset, length),
    ];
  }

  /** Takes the state of another machine. */
  restore(parts: readonly Uint8Array[]): void {
    for (const [i, bytes] of this.parts().entries()) bytes.set(parts[i] as Uint8Array);
    this.memory.touch(0, MEMORY_BYTES);
    this.translated.restored();
    this.vmx.restored();
    this.state.attention = true;
  }

  #lay({ mode, code, hostExit = [0xf4], fields = {} }: GuestCase): void {
    const { memory, state, environment } = this;
    layTables(memory);
    memory.write(AT.hostCode, Uint8Array.from(HOST_CODE));
    memory.write(AT.hostExit, Uint8Array.from(hostExit));
    memory.write(AT.guestCode, Uint8Array.from(code));
    layHandlers(memory);
    for (const region of [AT.vmxon, AT.vmcs]) memory.write32(region, REVISION);
    powerUp(state, environment);
    startLongMode(state, 0);
    state.setControl("CR3", BigInt(AT.hostTables));
    state.setControl("CR4", state.control("CR4") | CR4.VMXE);
    state.setControl("CR0", state.control("CR0") | CR0.NE);
    writeSlot(state, "IA32_FEATURE_CONTROL", 5n);
    this.translated.contextChanged();
    state.setGpr(4, BigInt(AT.hostStack));
    state.setGpr(0, BigInt(POINTERS));
    state.setGpr(3, BigInt(POINTERS + 8));
    memory.write64(POINTERS, BigInt(AT.vmxon));
    memory.write64(POINTERS + 8, BigInt(AT.vmcs));
    state.rip = BigInt(AT.hostCode);
    for (let i = 0; i < 3; i += 1) this.step();
    const block = { ...CONTROLS, ...HOST, ...GUEST, ...MODE_FIELDS[mode], ...fields };
    for (const [name, value] of Object.entries(block)) this.write(name as FieldName, value);
  }
}

const POINTERS = AT.spare;
/** VMXON [RAX]; VMCLEAR [RBX]; VMPTRLD [RBX]; VMLAUNCH; HLT. */
const HOST_CODE = [
  0xf3, 0x0f, 0xc7, 0x30, 0x66, 0x0f, 0xc7, 0x33, 0x0f, 0xc7, 0x33, 0x0f, 0x01, 0xc2, 0xf4,
];

const PRESENT_WRITABLE_USER = 7n;
const LARGE = 0x80n;
const EPT_ALL = 7n;
const EPT_WRITE_BACK = 6n << 3n;

/** Identity: the host's and the guest's tables with a page of 2 MiB, EPT with pages of 4 KiB for all of memory. */
function layTables(memory: PagedMemory): void {
  for (const tables of [AT.hostTables, AT.guestTables]) {
    memory.write64(tables, BigInt(tables + 0x1000) | PRESENT_WRITABLE_USER);
    memory.write64(tables + 0x1000, BigInt(tables + 0x2000) | PRESENT_WRITABLE_USER);
    memory.write64(tables + 0x2000, LARGE | PRESENT_WRITABLE_USER);
  }
  for (const level of [0, 1, 2])
    memory.write64(AT.ept + 0x1000 * level, BigInt(AT.ept + 0x1000 * (level + 1)) | EPT_ALL);
  for (let page = 0; page < MEMORY_BYTES / 0x1000; page += 1)
    memory.write64(AT.ept + 0x3000 + 8 * page, BigInt(page * 0x1000) | EPT_WRITE_BACK | EPT_ALL);
}

/** Exceptions and interrupts of the guest in 64-bit mode go to a VMCALL each. */
function layHandlers(memory: PagedMemory): void {
  memory.write64(AT.guestGdt + 8, 0x00af_9b00_0000_ffffn);
  memory.write64(AT.guestGdt + 16, 0x00cf_9300_0000_ffffn);
  for (let vector = 0; vector < 64; vector += 1) {
    const handler = AT.handlers + 16 * vector;
    memory.write64(
      AT.guestIdt + 16 * vector,
      BigInt(handler & 0xffff) | (8n << 16n) | (0x8e00n << 32n) | (BigInt(handler >>> 16) << 48n),
    );
    // VMCALL; IRETQ.
    memory.write(handler, Uint8Array.from([0x0f, 0x01, 0xc1, 0x48, 0xcf]));
  }
}

/** Bits that must be 1, with what each guest here needs: EPT, an unrestricted guest, VPID; MSR and I/O bitmaps of zeros. */
export const BITS = {
  pin: 0x16n,
  primary: 0x0400_6172n,
  exit: 0x3_6dfbn,
  entry: 0x11fbn,
  secondaryOn: 1n << 31n,
  ioBitmaps: 1n << 25n,
  msrBitmaps: 1n << 28n,
  ept: 2n,
  rdtscp: 8n,
  vpid: 0x20n,
  unrestricted: 0x80n,
  invpcid: 0x1000n,
  hostIs64: 0x200n,
} as const;

const CONTROLS: Fields = {
  "Pin-based VM-execution controls": BITS.pin,
  "Primary processor-based VM-execution controls":
    BITS.primary | BITS.secondaryOn | BITS.ioBitmaps | BITS.msrBitmaps,
  "Secondary processor-based VM-execution controls":
    BITS.ept | BITS.vpid | BITS.unrestricted | BITS.rdtscp | BITS.invpcid,
  "VM-exit controls": BITS.exit | BITS.hostIs64,
  "VM-entry controls": BITS.entry,
  "Address of I/O bitmap A": BigInt(AT.ioBitmapA),
  "Address of I/O bitmap B": BigInt(AT.ioBitmapB),
  "Address of MSR bitmaps": BigInt(AT.msrBitmaps),
  "Virtual-APIC address": BigInt(AT.virtualApic),
  "PML address": BigInt(AT.pml),
  "EPT pointer (EPTP)": BigInt(AT.ept) | 0x5en,
  "Virtual-processor identifier (VPID)": 1n,
  "TSC multiplier": 1n << 48n,
  "VMCS link pointer": 2n ** 64n - 1n,
};

const HOST_CR0 = CR0.PG | CR0.PE | CR0.ET | CR0.NE | CR0.MP;
const HOST_CR4 = CR4.PAE | CR4.VMXE | CR4.OSFXSR | CR4.OSXMMEXCPT;

const HOST: Fields = {
  "Host CR0": HOST_CR0,
  "Host CR3": BigInt(AT.hostTables),
  "Host CR4": HOST_CR4,
  "Host CS selector": 8n,
  "Host SS selector": 16n,
  "Host TR selector": 0x40n,
  "Host RSP": BigInt(AT.hostStack),
  "Host RIP": BigInt(AT.hostExit),
};

const [CODE_64, CODE_32, CODE_16] = [0xa09bn, 0xc09bn, 0x9bn];
const [DATA_32, DATA_16] = [0xc093n, 0x93n];
const BUSY_TSS = 0x8bn;
const UNUSABLE = 0x1_0000n;

const GUEST: Fields = {
  "Guest RFLAGS": 2n,
  "Guest RIP": BigInt(AT.guestCode),
  "Guest RSP": BigInt(AT.guestStack),
  "Guest DR7": 0x400n,
  "Guest LDTR access rights": UNUSABLE,
  "Guest TR access rights": BUSY_TSS,
  "Guest TR limit": 0x67n,
  "Guest TR selector": 0x40n,
  "Guest GDTR base": BigInt(AT.guestGdt),
  "Guest GDTR limit": 0xffn,
  "Guest IDTR base": BigInt(AT.guestIdt),
  "Guest IDTR limit": 0x3ffn,
};

const SIX = ["ES", "CS", "SS", "DS", "FS", "GS"] as const;

function segments(code: bigint, data: bigint, limit: bigint): Fields {
  const fields: Fields = {};
  for (const name of SIX) {
    fields[`Guest ${name} access rights`] = name === "CS" ? code : data;
    fields[`Guest ${name} limit`] = limit;
    fields[`Guest ${name} selector`] = name === "CS" ? 8n : 16n;
  }
  return fields;
}

const WHOLE = 0xffff_ffffn;

const MODE_FIELDS: Readonly<Record<GuestMode, Fields>> = {
  "64-bit": {
    ...segments(CODE_64, DATA_32, WHOLE),
    "VM-entry controls": BITS.entry | 0x200n,
    "Guest CR0": HOST_CR0,
    "Guest CR3": BigInt(AT.guestTables),
    "Guest CR4": HOST_CR4,
    "Guest IA32_EFER": 0xd00n,
  },
  protected: {
    ...segments(CODE_32, DATA_32, WHOLE),
    "Guest CR0": CR0.PE | CR0.NE | CR0.ET,
    "Guest CR4": CR4.VMXE,
  },
  real: {
    ...segments(CODE_16, DATA_16, 0xffffn),
    "Guest CS selector": BigInt(AT.guestCode >> 4),
    "Guest CS base": BigInt(AT.guestCode),
    "Guest RIP": 0n,
    "Guest RSP": 0xf000n,
    "Guest CR0": CR0.NE | CR0.ET,
    "Guest CR4": CR4.VMXE,
  },
};
