/**
 * The registers of one CPU, in linear memory so that emitted code and TypeScript see the same bytes: SDM Vol. 1,
 * "Basic Program Execution Registers", Vol. 3, "System Architecture Overview". Offsets are from the start of the CPU's
 * block.
 */

import { assert } from "../../sim/assert.ts";
import { GPR_NAMES, type GprName, type SegmentName } from "./uop.ts";

/** Where things lie in a CPU's block, in bytes. */
export const OFFSET = {
  /** Sixteen registers of 8 bytes. */
  gpr: 0,
  /** Always zero: the base or index that an address has not. */
  zero: 128,
  rip: 136,
  rflags: 144,
  /** Cycles since reset, a double: whole and below 2^53. */
  cycles: 152,
  /** Six segments of 32 bytes: base (8), limit (4), access rights (4), selector (2). */
  segments: 160,
  /** CR0, CR2, CR3, CR4, CR8, EFER of 8 bytes each. */
  control: 352,
  /** GDTR and IDTR of 16 bytes each: base (8), limit (2). */
  gdtr: 400,
  /** Wires of the x87 unit: see x87/unit.ts. */
  x87Wires: 412,
  idtr: 416,
  /** PENDING below. */
  pending: 428,
  /** LDTR and TR, as the segments. */
  systemSegments: 432,
  xcr0: 496,
  /** ACTIVITY and BLOCKING below. */
  activity: 504,
  blocking: 508,
  /** Sixteen registers of 16 bytes. */
  xmm: 512,
  mxcsr: 768,
  /** Eight physical registers R0 to R7 of 16 bytes: significand (8), sign and exponent (2). */
  x87: 784,
  /**
   * Control, status and tag word (2 each), opcode (2), instruction and data pointer (8 each). A tag is 0 or, when the
   * register is empty, 3: what a register holds is told by its contents.
   */
  x87Control: 912,
  x87Status: 914,
  x87Tag: 916,
  x87Opcode: 918,
  x87Instruction: 920,
  x87Data: 928,
  /** DR0 to DR3, DR6, DR7 of 8 bytes each. */
  debug: 936,
  /** Debug exceptions that wait for the end of the instruction, in the bits of DR6. */
  pendingDebug: 984,
  /** The four PDPTEs that PAE paging has loaded. */
  pdptes: 992,
  /** Model-specific registers of 8 bytes, in the order of the table in msr/. */
  msrs: 1024,
  /** 1 while a guest runs: VMX non-root operation, or between VMRUN and #VMEXIT. */
  guest: 2040,
  /** What follows is the engine's between entry and exit, and no state. */
  scratch: 2048,
  /** What VMX or SVM keeps: its own state, and behind it what it derives. */
  virtualization: 4096,
} as const;

/** Bytes of a CPU's block that are state. */
export const STATE_BYTES = OFFSET.scratch;
/** Bytes of a CPU's block. */
export const BLOCK_BYTES = 8192;

const SEGMENT_BYTES = 32;
export type ControlName = "CR0" | "CR2" | "CR3" | "CR4" | "CR8" | "EFER";
const DEBUG_NAMES = ["DR0", "DR1", "DR2", "DR3", "DR6", "DR7"] as const;
export type DebugName = (typeof DEBUG_NAMES)[number];

export interface SegmentState {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  /** Access rights as in a VMCS (SDM Vol. 3, "Guest Register State"): RIGHTS below. */
  readonly rights: number;
}

/** Bits of access rights; the type is bits 0 to 3, the DPL 5 and 6. */
export const RIGHTS = {
  /** Code or data, no system segment. */
  s: 0x10,
  present: 0x80,
  long: 0x2000,
  /** D or B: 32 bits by default. */
  big: 0x4000,
  granularity: 0x8000,
  unusable: 0x1_0000,
} as const;

export const dplOf = (rights: number): number => (rights >> 5) & 3;

export interface DescriptorTable {
  readonly base: bigint;
  readonly limit: number;
}

/** What a CPU is doing (SDM Vol. 3, "Guest Non-Register State", activity state). */
export const ACTIVITY = { active: 0, hlt: 1, shutdown: 2, waitForSipi: 3 } as const;
/** What holds events back for now (the same section, interruptibility state). */
export const BLOCKING = {
  sti: 1,
  movSs: 2,
  smi: 4,
  nmi: 8,
  /** The global interrupt flag is clear (APM Vol. 2, "Global Interrupt Flag, STGI and CLGI Instructions"). */
  gif: 16,
} as const;
/**
 * Events that have arrived and wait: an NMI, INIT, and a startup IPI with its vector in bits 8 to 15. Whoever sets INIT
 * clears a startup IPI that came before.
 */
export const PENDING = { nmi: 1, init: 2, sipi: 4 } as const;

/** Bits of RFLAGS beside the status flags (SDM Vol. 1, "EFLAGS Register"). */
export const RFLAGS = {
  TF: 1n << 8n,
  IF: 1n << 9n,
  DF: 1n << 10n,
  IOPL: 3n << 12n,
  NT: 1n << 14n,
  RF: 1n << 16n,
  VM: 1n << 17n,
  AC: 1n << 18n,
  VIF: 1n << 19n,
  VIP: 1n << 20n,
  ID: 1n << 21n,
} as const;

/** SDM Vol. 3, "Control Registers". */
export const CR0 = {
  PE: 1n,
  MP: 1n << 1n,
  EM: 1n << 2n,
  TS: 1n << 3n,
  ET: 1n << 4n,
  NE: 1n << 5n,
  WP: 1n << 16n,
  AM: 1n << 18n,
  NW: 1n << 29n,
  CD: 1n << 30n,
  PG: 1n << 31n,
} as const;
export const CR4 = {
  VME: 1n,
  PVI: 1n << 1n,
  TSD: 1n << 2n,
  DE: 1n << 3n,
  PSE: 1n << 4n,
  PAE: 1n << 5n,
  MCE: 1n << 6n,
  PGE: 1n << 7n,
  PCE: 1n << 8n,
  OSFXSR: 1n << 9n,
  OSXMMEXCPT: 1n << 10n,
  UMIP: 1n << 11n,
  VMXE: 1n << 13n,
  FSGSBASE: 1n << 16n,
  PCIDE: 1n << 17n,
  OSXSAVE: 1n << 18n,
  SMEP: 1n << 20n,
  SMAP: 1n << 21n,
} as const;
/** SDM Vol. 3, "Extended Feature Enable Register"; SVME and FFXSR: APM Vol. 2, "Extended Feature Enable Register (EFER)". */
export const EFER = {
  SCE: 1n,
  LME: 1n << 8n,
  LMA: 1n << 10n,
  NXE: 1n << 11n,
  SVME: 1n << 12n,
  FFXSR: 1n << 14n,
} as const;

/** The same bits as numbers, for questions: a wide integer takes ten times as long. All that have a name are below bit 32. */
export const BIT = {
  RFLAGS: numbers(RFLAGS),
  CR0: numbers(CR0),
  CR4: numbers(CR4),
  EFER: numbers(EFER),
} as const;

function numbers<T extends Readonly<Record<string, bigint>>>(
  bits: T,
): { readonly [name in keyof T]: number } {
  const entries = Object.entries(bits).map(([name, bit]) => [name, Number(bit)]);
  return Object.fromEntries(entries) as { [name in keyof T]: number };
}

/** Bit 1 of RFLAGS reads as 1 (SDM Vol. 1, "EFLAGS Register"). */
export const RFLAGS_FIXED = 2n;

const RIP = OFFSET.rip / 8;

export class CpuState {
  /** Offset of the block in linear memory. */
  readonly block: number;
  /** The block, for what has no accessor of its own; offsets are those of OFFSET. */
  readonly view: DataView;
  /** The same as words of 32 bits, for what is moved as a whole. */
  readonly words: Int32Array;
  /** As words of 64 bits: DataView has no quick way to them. */
  readonly #wide: BigUint64Array;
  /** Made when it is first asked for. */
  #bytes: Uint8Array | null = null;
  /**
   * Somebody has to look before the next instruction: an event may be due, or what holds events back has changed.
   * Engines return at the next boundary. No state: set too often it costs time only.
   */
  attention = true;
  /** An event has been delivered since the start of the instruction. No state between instructions. */
  hasEntered = false;
  /** Bits of BLOCKING that held events back until the instruction. No state between instructions. */
  shadow = 0;

  constructor(buffer: ArrayBuffer, block: number) {
    assert(block % 16 === 0, "a CPU's block is aligned");
    this.block = block;
    this.view = new DataView(buffer, block, BLOCK_BYTES);
    this.words = new Int32Array(buffer, block, BLOCK_BYTES / 4);
    this.#wide = new BigUint64Array(buffer, block, BLOCK_BYTES / 8);
    if (this.rflags === 0n) this.rflags = RFLAGS_FIXED;
  }

  /** The block's bytes that are state, for the snapshot registry. */
  bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.view.buffer, this.block, STATE_BYTES);
    return this.#bytes;
  }

  /** By number in the encoding. */
  gpr(number: number): bigint {
    return this.view.getBigUint64(OFFSET.gpr + 8 * number, true);
  }

  setGpr(number: number, value: bigint): void {
    this.view.setBigUint64(OFFSET.gpr + 8 * number, value, true);
  }

  /** The byte of AH, CH, DH or BH when `high`. */
  gpr8(number: number, high: boolean): number {
    return this.view.getUint8(OFFSET.gpr + 8 * number + (high ? 1 : 0));
  }

  setGpr8(number: number, high: boolean, value: number): void {
    this.view.setUint8(OFFSET.gpr + 8 * number + (high ? 1 : 0), value);
  }

  get rip(): bigint {
    return this.#wide[RIP] as bigint;
  }

  set rip(value: bigint) {
    this.#wide[RIP] = value;
  }

  get rflags(): bigint {
    return this.view.getBigUint64(OFFSET.rflags, true);
  }

  set rflags(value: bigint) {
    this.view.setBigUint64(OFFSET.rflags, value, true);
  }

  get cycles(): number {
    return this.view.getFloat64(OFFSET.cycles, true);
  }

  set cycles(value: number) {
    this.view.setFloat64(OFFSET.cycles, value, true);
  }

  xmm(number: number): bigint {
    const at = OFFSET.xmm + 16 * number;
    return (this.view.getBigUint64(at + 8, true) << 64n) | this.view.getBigUint64(at, true);
  }

  setXmm(number: number, value: bigint): void {
    const at = OFFSET.xmm + 16 * number;
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
    this.view.setBigUint64(at + 8, value >> 64n, true);
  }

  get mxcsr(): number {
    return this.view.getUint32(OFFSET.mxcsr, true);
  }

  set mxcsr(value: number) {
    this.view.setUint32(OFFSET.mxcsr, value, true);
  }

  control(name: ControlName): bigint {
    return this.view.getBigUint64(controlOffset(name), true);
  }

  setControl(name: ControlName, value: bigint): void {
    this.view.setBigUint64(controlOffset(name), value, true);
  }

  segment(name: SegmentName): SegmentState {
    return this.#segmentAt(segmentOffset(name));
  }

  systemSegment(name: "LDTR" | "TR"): SegmentState {
    return this.#segmentAt(systemSegmentOffset(name));
  }

  /** The current privilege level: the DPL of SS (SDM Vol. 3, "Privilege Levels"; "Guest Register State"). */
  get cpl(): number {
    return dplOf(this.view.getUint32(segmentOffset("SS") + 12, true));
  }

  rights(name: SegmentName): number {
    return this.view.getUint32(segmentOffset(name) + 12, true);
  }

  selector(name: SegmentName): number {
    return this.view.getUint16(segmentOffset(name) + 16, true);
  }

  segmentBase(name: SegmentName): bigint {
    return this.view.getBigUint64(segmentOffset(name), true);
  }

  setSegment(name: SegmentName, segment: SegmentState): void {
    this.#setSegmentAt(segmentOffset(name), segment);
  }

  setSystemSegment(name: "LDTR" | "TR", segment: SegmentState): void {
    this.#setSegmentAt(systemSegmentOffset(name), segment);
  }

  table(name: "GDTR" | "IDTR"): DescriptorTable {
    const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
    return {
      base: this.view.getBigUint64(at, true),
      limit: this.view.getUint16(at + 8, true),
    };
  }

  setTable(name: "GDTR" | "IDTR", { base, limit }: DescriptorTable): void {
    const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
    this.view.setBigUint64(at, base, true);
    this.view.setUint16(at + 8, limit, true);
  }

  debug(name: DebugName): bigint {
    return this.view.getBigUint64(OFFSET.debug + 8 * DEBUG_NAMES.indexOf(name), true);
  }

  setDebug(name: DebugName, value: bigint): void {
    this.view.setBigUint64(OFFSET.debug + 8 * DEBUG_NAMES.indexOf(name), value, true);
  }

  get xcr0(): bigint {
    return this.view.getBigUint64(OFFSET.xcr0, true);
  }

  set xcr0(value: bigint) {
    this.view.setBigUint64(OFFSET.xcr0, value, true);
  }

  /** One of ACTIVITY. */
  get activity(): number {
    return this.view.getUint32(OFFSET.activity, true);
  }

  set activity(value: number) {
    this.view.setUint32(OFFSET.activity, value, true);
    this.attention = true;
  }

  /** Bits of BLOCKING. */
  get blocking(): number {
    return this.view.getUint32(OFFSET.blocking, true);
  }

  set blocking(value: number) {
    this.view.setUint32(OFFSET.blocking, value, true);
    this.attention = true;
  }

  /** A guest runs: what a hypervisor has asked for takes the place of instructions and events. */
  get isGuest(): boolean {
    return this.view.getUint32(OFFSET.guest, true) !== 0;
  }

  set isGuest(value: boolean) {
    this.view.setUint32(OFFSET.guest, value ? 1 : 0, true);
    this.attention = true;
  }

  /** Bits of PENDING. */
  get pending(): number {
    return this.view.getUint32(OFFSET.pending, true);
  }

  set pending(value: number) {
    this.view.setUint32(OFFSET.pending, value, true);
    this.attention = true;
  }

  /** Debug exceptions met by the instruction so far, in the bits of DR6. */
  get pendingDebug(): number {
    return this.view.getUint32(OFFSET.pendingDebug, true);
  }

  set pendingDebug(value: number) {
    this.view.setUint32(OFFSET.pendingDebug, value, true);
    this.attention = true;
  }

  /** By its place in the table of MSRs. */
  msrAt(index: number): bigint {
    return this.view.getBigUint64(OFFSET.msrs + 8 * index, true);
  }

  setMsrAt(index: number, value: bigint): void {
    this.view.setBigUint64(OFFSET.msrs + 8 * index, value, true);
  }

  /** Whether a bit of a control register is set; all that have a name are below bit 32. */
  has(name: ControlName, bit: number): boolean {
    return ((this.words[controlOffset(name) >> 2] as number) & bit) !== 0;
  }

  hasFlag(bit: number): boolean {
    return ((this.words[OFFSET.rflags >> 2] as number) & bit) !== 0;
  }

  #segmentAt(at: number): SegmentState {
    return {
      base: this.view.getBigUint64(at, true),
      limit: this.view.getUint32(at + 8, true),
      rights: this.view.getUint32(at + 12, true),
      selector: this.view.getUint16(at + 16, true),
    };
  }

  #setSegmentAt(at: number, { selector, base, limit, rights }: SegmentState): void {
    this.view.setBigUint64(at, base, true);
    this.view.setUint32(at + 8, limit, true);
    this.view.setUint32(at + 12, rights, true);
    this.view.setUint16(at + 16, selector, true);
    this.attention = true;
  }
}

export function gprNumber(name: GprName): number {
  return GPR_NAMES.indexOf(name);
}

/** Written out, like those of control registers: nothing is asked for more often. */
export function segmentOffset(name: SegmentName): number {
  switch (name) {
    case "ES":
      return OFFSET.segments;
    case "CS":
      return OFFSET.segments + SEGMENT_BYTES;
    case "SS":
      return OFFSET.segments + 2 * SEGMENT_BYTES;
    case "DS":
      return OFFSET.segments + 3 * SEGMENT_BYTES;
    case "FS":
      return OFFSET.segments + 4 * SEGMENT_BYTES;
    case "GS":
      return OFFSET.segments + 5 * SEGMENT_BYTES;
  }
}

export const systemSegmentOffset = (name: "LDTR" | "TR"): number =>
  OFFSET.systemSegments + (name === "LDTR" ? 0 : SEGMENT_BYTES);

export function controlOffset(name: ControlName): number {
  switch (name) {
    case "CR0":
      return OFFSET.control;
    case "CR2":
      return OFFSET.control + 8;
    case "CR3":
      return OFFSET.control + 16;
    case "CR4":
      return OFFSET.control + 24;
    case "CR8":
      return OFFSET.control + 32;
    case "EFER":
      return OFFSET.control + 40;
  }
}
