/**
 * What VMRUN and #VMEXIT move between a CPU and the VMCB, and the host's state that a CPU keeps meanwhile: APM Vol. 2,
 * "VMRUN Instruction", "#VMEXIT". The host's state is kept in the CPU, as the manual allows, and not in the page of
 * VM_HSAVE_PA.
 */

import type { CpuProfile } from "../cpuid/profile.ts";
import type { PagingContext } from "../paging.ts";
import {
  CR0,
  CR4,
  type CpuState,
  controlOffset,
  EFER,
  OFFSET,
  RIGHTS,
  segmentOffset,
  systemSegmentOffset,
} from "../state.ts";
import { type SlotName, slotOffset } from "../msr/slots.ts";
import { attributesOf, rightsOf } from "./checks.ts";
import { SEGMENT, VMCB } from "./vmcb.ts";

/** All offsets from here on are of words of 32 bits. */
const words = (from: number, to: number, bytes: number): readonly (readonly [number, number])[] =>
  Array.from({ length: bytes / 4 }, (_, i) => [from / 4 + i, to / 4 + i] as const);

/** Words that go from places in the CPU's block to others, and back. */
class Move {
  readonly #block: Int32Array;
  readonly #other: Int32Array;

  constructor(pairs: readonly (readonly [block: number, other: number])[]) {
    this.#block = Int32Array.from(pairs, ([block]) => block);
    this.#other = Int32Array.from(pairs, ([, other]) => other);
  }

  save(block: Int32Array, other: Int32Array): void {
    for (let i = 0; i < this.#block.length; i += 1)
      other[this.#other[i] as number] = block[this.#block[i] as number] as number;
  }

  load(block: Int32Array, other: Int32Array): void {
    for (let i = 0; i < this.#block.length; i += 1)
      block[this.#block[i] as number] = other[this.#other[i] as number] as number;
  }
}

const [RAX, RSP] = [OFFSET.gpr, OFFSET.gpr + 8 * 4];
const DR6 = OFFSET.debug + 8 * 4;
const DR7 = OFFSET.debug + 8 * 5;
const DPL = 0x60;
const DR7_RESET = 0x400;

/** Registers of 8 bytes: in the CPU's block, and in the VMCB. */
const REGISTERS = new Move(
  (
    [
      [RAX, VMCB.rax],
      [RSP, VMCB.rsp],
      [OFFSET.rip, VMCB.rip],
      [OFFSET.rflags, VMCB.rflags],
      [controlOffset("CR0"), VMCB.cr0],
      [controlOffset("CR2"), VMCB.cr2],
      [controlOffset("CR3"), VMCB.cr3],
      [controlOffset("CR4"), VMCB.cr4],
      [controlOffset("EFER"), VMCB.efer],
      [DR6, VMCB.dr6],
      [DR7, VMCB.dr7],
      [OFFSET.gdtr, VMCB.gdtr + SEGMENT.base],
      [OFFSET.idtr, VMCB.idtr + SEGMENT.base],
    ] as const
  ).flatMap(([block, vmcb]) => words(block, vmcb, 8)),
);
const [GDTR_LIMIT, IDTR_LIMIT] = [(OFFSET.gdtr + 8) / 4, (OFFSET.idtr + 8) / 4];
const [VMCB_GDTR, VMCB_IDTR] = [(VMCB.gdtr + SEGMENT.limit) / 4, (VMCB.idtr + SEGMENT.limit) / 4];
const [SS, CR0_AT, EFER_AT] = [
  segmentOffset("SS") / 4,
  controlOffset("CR0") / 4,
  controlOffset("EFER") / 4,
];
const RFLAGS_AT = OFFSET.rflags / 4;

/** ES, CS, SS and DS are the first four, in the block and in the VMCB. */
const FIRST_SEGMENTS = 4;
const [BLOCK_SEGMENT, VMCB_SEGMENT] = [8, 4];

/** What is the host's while a guest runs, and where it is kept then: one range behind the other. */
const HOST = [
  [RAX, 8],
  [RSP, 8],
  [OFFSET.rip, 16],
  [OFFSET.segments, 128],
  [controlOffset("CR0"), 8],
  [controlOffset("CR3"), 16],
  [controlOffset("EFER"), 8],
  [OFFSET.gdtr, 12],
  [OFFSET.idtr, 12],
  [OFFSET.pdptes, 32],
] as const;
export const HOST_BYTES = HOST.reduce((sum, [, bytes]) => sum + bytes, 0);
const startOf = (wanted: number): number => {
  const index = HOST.findIndex(([at]) => at === wanted);
  return HOST.slice(0, index).reduce((sum, [, bytes]) => sum + bytes, 0);
};
/** First word and how many of each range. */
const HOST_FIRST = Int32Array.from(HOST, ([at]) => at / 4);
const HOST_WORDS = Int32Array.from(HOST, ([, bytes]) => bytes / 4);
/** Where control registers are kept, in words. */
export const KEPT = {
  CR0: startOf(controlOffset("CR0")) / 4,
  CR4: startOf(controlOffset("CR3")) / 4 + 2,
  EFER: startOf(controlOffset("EFER")) / 4,
} as const;

export function saveHost({ words: block }: CpuState, into: Int32Array): void {
  let to = 0;
  for (let range = 0; range < HOST_FIRST.length; range += 1) {
    const first = HOST_FIRST[range] as number;
    const count = HOST_WORDS[range] as number;
    for (let i = 0; i < count; i += 1) into[to + i] = block[first + i] as number;
    to += count;
  }
}

export function loadHost({ words: block }: CpuState, from: Int32Array): void {
  let at = 0;
  for (let range = 0; range < HOST_FIRST.length; range += 1) {
    const first = HOST_FIRST[range] as number;
    const count = HOST_WORDS[range] as number;
    for (let i = 0; i < count; i += 1) block[first + i] = from[at + i] as number;
    at += count;
  }
  block[DR7 / 4] = DR7_RESET;
  block[DR7 / 4 + 1] = 0;
}

/** The paging of the host, as it was at VMRUN, with other tables. */
export function hostPaging(host: Int32Array, root: number, profile: CpuProfile): PagingContext {
  const has = (name: keyof typeof KEPT, bit: bigint): boolean =>
    ((host[KEPT[name]] as number) & Number(bit)) !== 0;
  const wide = has("EFER", EFER.LMA) ? "4-level" : has("CR4", CR4.PAE) ? "PAE" : "32-bit";
  return {
    mode: wide,
    root,
    // A host with PAE paging has its tables of the second level walked whole.
    walksPdptes: true,
    pdptes: [],
    pse: has("CR4", CR4.PSE),
    pge: false,
    nxe: has("EFER", EFER.NXE),
    wp: true,
    // Only the error code tells of it: every access is a user's.
    smep: has("CR4", CR4.SMEP),
    smap: false,
    physicalBits: profile.physicalBits,
    gigabytePages: profile.features.has("Page1GB"),
    reservesBit8: profile.vendor === "amd",
  };
}

/** CPL is that of the VMCB, whatever the attributes of SS say. */
export function loadGuest({ words: block }: CpuState, vmcb: Int32Array, cpl: number): void {
  REGISTERS.load(block, vmcb);
  block[GDTR_LIMIT] = (vmcb[VMCB_GDTR] as number) & 0xffff;
  block[IDTR_LIMIT] = (vmcb[VMCB_IDTR] as number) & 0xffff;
  for (let i = 0; i < FIRST_SEGMENTS; i += 1)
    loadSegment(
      block,
      OFFSET.segments / 4 + BLOCK_SEGMENT * i,
      vmcb,
      VMCB.es / 4 + VMCB_SEGMENT * i,
    );
  block[SS + 3] = ((block[SS + 3] as number) & ~DPL) | ((cpl & 3) << 5);
  fixControls(block);
}

/** ET reads as 1, bit 1 of RFLAGS too, and LMA follows from LME and PG. */
function fixControls(block: Int32Array): void {
  const cr0 = (block[CR0_AT] as number) | Number(CR0.ET);
  const efer = block[EFER_AT] as number;
  const isLong = cr0 < 0 && (efer & Number(EFER.LME)) !== 0;
  block[CR0_AT] = cr0;
  block[RFLAGS_AT] = (block[RFLAGS_AT] as number) | 2;
  block[EFER_AT] = isLong ? efer | Number(EFER.LMA) : efer & ~Number(EFER.LMA);
}

/** In the block: base (2 words), limit, rights, selector. In the VMCB: selector with attributes, limit, base (2). */
function loadSegment(block: Int32Array, at: number, vmcb: Int32Array, from: number): void {
  const first = vmcb[from] as number;
  const rights = rightsOf(first >>> 16);
  block[at] = vmcb[from + 2] as number;
  block[at + 1] = vmcb[from + 3] as number;
  block[at + 2] = vmcb[from + 1] as number;
  block[at + 3] = (rights & RIGHTS.present) === 0 ? rights | RIGHTS.unusable : rights;
  block[at + 4] = first & 0xffff;
}

export function saveGuest({ words: block }: CpuState, vmcb: Int32Array): void {
  REGISTERS.save(block, vmcb);
  vmcb[VMCB_GDTR] = (block[GDTR_LIMIT] as number) & 0xffff;
  vmcb[VMCB_IDTR] = (block[IDTR_LIMIT] as number) & 0xffff;
  for (let i = 0; i < FIRST_SEGMENTS; i += 1)
    saveSegment(
      block,
      OFFSET.segments / 4 + BLOCK_SEGMENT * i,
      vmcb,
      VMCB.es / 4 + VMCB_SEGMENT * i,
    );
}

function saveSegment(block: Int32Array, at: number, vmcb: Int32Array, to: number): void {
  const rights = block[at + 3] as number;
  const usable = (rights & RIGHTS.unusable) === 0 ? rights : rights & ~RIGHTS.present;
  vmcb[to] = ((block[at + 4] as number) & 0xffff) | (attributesOf(usable) << 16);
  vmcb[to + 1] = block[at + 2] as number;
  vmcb[to + 2] = block[at] as number;
  vmcb[to + 3] = block[at + 1] as number;
}

/** What VMLOAD and VMSAVE move: segments, and MSRs by name. */
const HIDDEN = [
  [segmentOffset("FS"), VMCB.fs],
  [segmentOffset("GS"), VMCB.gs],
  [systemSegmentOffset("LDTR"), VMCB.ldtr],
  [systemSegmentOffset("TR"), VMCB.tr],
] as const;
const MSRS: readonly (readonly [SlotName, number])[] = [
  ["IA32_STAR", VMCB.star],
  ["IA32_LSTAR", VMCB.lstar],
  ["IA32_CSTAR", VMCB.cstar],
  ["IA32_FMASK", VMCB.sfmask],
  ["IA32_KERNEL_GS_BASE", VMCB.kernelGsBase],
  ["IA32_SYSENTER_CS", VMCB.sysenterCs],
  ["IA32_SYSENTER_ESP", VMCB.sysenterEsp],
  ["IA32_SYSENTER_EIP", VMCB.sysenterEip],
];

const MOVED_MSRS = new Move(MSRS.flatMap(([name, vmcb]) => words(slotOffset(name), vmcb, 8)));
const KERNEL_GS = slotOffset("IA32_KERNEL_GS_BASE") / 4;

/** Bases are made canonical, as the manual says of VMLOAD ("Canonicalization and Consistency Checks"). */
export function loadHidden(state: CpuState, vmcb: Int32Array): void {
  const { words: block } = state;
  for (const [at, from] of HIDDEN) {
    loadSegment(block, at / 4, vmcb, from / 4);
    makeCanonical(block, at / 4);
  }
  MOVED_MSRS.load(block, vmcb);
  makeCanonical(block, KERNEL_GS);
  state.attention = true;
}

export function saveHidden({ words: block }: CpuState, vmcb: Int32Array): void {
  for (const [at, to] of HIDDEN) saveSegment(block, at / 4, vmcb, to / 4);
  MOVED_MSRS.save(block, vmcb);
}

/** Bits 63 to 48 of an address become copies of bit 47. */
function makeCanonical(block: Int32Array, at: number): void {
  block[at + 1] = ((block[at + 1] as number) << 16) >> 16;
}
