/**
 * What VMRUN and #VMEXIT move between a CPU and the VMCB, and the host's state that a CPU keeps meanwhile: APM Vol. 2,
 * "VMRUN Instruction", "#VMEXIT". The host's state is kept in the CPU, as the manual allows, and not in the page of
 * VM_HSAVE_PA.
 */

import type { CpuProfile } from "../cpuid/profile.ts";
import type { PagingContext } from "../paging.ts";
import {
  BIT,
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
import { pairsOf, type WordPair } from "../word-code.ts";
import { WordMoves } from "../word-moves.ts";
import { attributesOf, rightsOf } from "./checks.ts";
import { SEGMENT, VMCB } from "./vmcb.ts";

const [RAX, RSP] = [OFFSET.gpr, OFFSET.gpr + 8 * 4];
const DR6 = OFFSET.debug + 8 * 4;
const DR7 = OFFSET.debug + 8 * 5;
const DPL = 0x60;
const DR7_RESET = 0x400;

/** ES, CS, SS and DS are the first four, in the block and in the VMCB. */
const FIRST_SEGMENTS = [0, 1, 2, 3];
const [BLOCK_SEGMENT, VMCB_SEGMENT] = [32, 16];

/** What is the same in the CPU's block and in the VMCB: registers of 8 bytes, and bases and limits of segments. */
export const GUEST_WORDS: readonly WordPair[] = [
  ...(
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
  ).flatMap(([block, vmcb]) => pairsOf(block, vmcb, 8)),
  ...FIRST_SEGMENTS.flatMap((i) => {
    const [block, vmcb] = [OFFSET.segments + BLOCK_SEGMENT * i, VMCB.es + VMCB_SEGMENT * i];
    return [
      ...pairsOf(block, vmcb + SEGMENT.base, 8),
      ...pairsOf(block + 8, vmcb + SEGMENT.limit, 4),
    ];
  }),
];
const GUEST = new WordMoves(GUEST_WORDS);
/** All offsets from here on are of words of 32 bits. */
const [GDTR_LIMIT, IDTR_LIMIT] = [(OFFSET.gdtr + 8) / 4, (OFFSET.idtr + 8) / 4];
const [VMCB_GDTR, VMCB_IDTR] = [(VMCB.gdtr + SEGMENT.limit) / 4, (VMCB.idtr + SEGMENT.limit) / 4];
const [SS, CR0_AT, EFER_AT] = [
  segmentOffset("SS") / 4,
  controlOffset("CR0") / 4,
  controlOffset("EFER") / 4,
];
const RFLAGS_AT = OFFSET.rflags / 4;

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
/** From the block to where it is kept, from an offset on. */
export const hostWords = (kept: number): readonly WordPair[] =>
  HOST.flatMap(([at, bytes]) => pairsOf(at, kept + startOf(at), bytes));

/** Where control registers are kept, in words. */
export const KEPT = {
  CR0: startOf(controlOffset("CR0")) / 4,
  CR4: startOf(controlOffset("CR3")) / 4 + 2,
  EFER: startOf(controlOffset("EFER")) / 4,
} as const;

/** DR7 as #VMEXIT leaves it. */
export function resetDr7({ words: block }: CpuState): void {
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

export function loadGuest(state: CpuState, vmcb: Int32Array, cpl: number): void {
  GUEST.load(state.words, vmcb);
  loadDerived(state, vmcb, cpl);
}

/** Behind GUEST_WORDS, what is not the same in both. CPL is that of the VMCB, whatever the attributes of SS say. */
export function loadDerived({ words: block }: CpuState, vmcb: Int32Array, cpl: number): void {
  block[GDTR_LIMIT] = (vmcb[VMCB_GDTR] as number) & 0xffff;
  block[IDTR_LIMIT] = (vmcb[VMCB_IDTR] as number) & 0xffff;
  for (let i = 0; i < FIRST_SEGMENTS.length; i += 1)
    loadAttributes(block, FIRST_BLOCK + 8 * i, vmcb, FIRST_VMCB + 4 * i);
  block[SS + 3] = ((block[SS + 3] as number) & ~DPL) | ((cpl & 3) << 5);
  fixControls(block);
}
const [FIRST_BLOCK, FIRST_VMCB] = [OFFSET.segments / 4, VMCB.es / 4];

/** ET reads as 1, bit 1 of RFLAGS too, and LMA follows from LME and PG. */
function fixControls(block: Int32Array): void {
  const cr0 = (block[CR0_AT] as number) | BIT.CR0.ET;
  const efer = block[EFER_AT] as number;
  const isLong = cr0 < 0 && (efer & BIT.EFER.LME) !== 0;
  block[CR0_AT] = cr0;
  block[RFLAGS_AT] = (block[RFLAGS_AT] as number) | 2;
  block[EFER_AT] = isLong ? efer | BIT.EFER.LMA : efer & ~BIT.EFER.LMA;
}

/** In the block: base (2 words), limit, rights, selector. In the VMCB: selector with attributes, limit, base (2). */
function loadSegment(block: Int32Array, at: number, vmcb: Int32Array, from: number): void {
  block[at] = vmcb[from + 2] as number;
  block[at + 1] = vmcb[from + 3] as number;
  block[at + 2] = vmcb[from + 1] as number;
  loadAttributes(block, at, vmcb, from);
}

function loadAttributes(block: Int32Array, at: number, vmcb: Int32Array, from: number): void {
  const first = vmcb[from] as number;
  const rights = rightsOf(first >>> 16);
  block[at + 3] = (rights & RIGHTS.present) === 0 ? rights | RIGHTS.unusable : rights;
  block[at + 4] = first & 0xffff;
}

export function saveGuest(state: CpuState, vmcb: Int32Array): void {
  GUEST.save(state.words, vmcb);
  saveDerived(state, vmcb);
}

export function saveDerived({ words: block }: CpuState, vmcb: Int32Array): void {
  vmcb[VMCB_GDTR] = (block[GDTR_LIMIT] as number) & 0xffff;
  vmcb[VMCB_IDTR] = (block[IDTR_LIMIT] as number) & 0xffff;
  for (let i = 0; i < FIRST_SEGMENTS.length; i += 1)
    saveAttributes(block, FIRST_BLOCK + 8 * i, vmcb, FIRST_VMCB + 4 * i);
}

function saveSegment(block: Int32Array, at: number, vmcb: Int32Array, to: number): void {
  saveAttributes(block, at, vmcb, to);
  vmcb[to + 1] = block[at + 2] as number;
  vmcb[to + 2] = block[at] as number;
  vmcb[to + 3] = block[at + 1] as number;
}

function saveAttributes(block: Int32Array, at: number, vmcb: Int32Array, to: number): void {
  const rights = block[at + 3] as number;
  const usable = (rights & RIGHTS.unusable) === 0 ? rights : rights & ~RIGHTS.present;
  vmcb[to] = ((block[at + 4] as number) & 0xffff) | (attributesOf(usable) << 16);
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

const MOVED_MSRS = new WordMoves(
  MSRS.flatMap(([name, vmcb]) => pairsOf(slotOffset(name), vmcb, 8)),
);
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
