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
import { readSlot, type SlotName, writeSlot } from "../msr/slots.ts";
import { SEGMENT_NAMES } from "../uop.ts";
import { attributesOf, rightsOf } from "./checks.ts";
import { SEGMENT, VMCB } from "./vmcb.ts";

const [RAX, RSP] = [OFFSET.gpr, OFFSET.gpr + 8 * 4];
const [BASE, LIMIT, RIGHTS_AT, SELECTOR] = [0, 8, 12, 16];
const TABLE_LIMIT = 8;
const DR6 = OFFSET.debug + 8 * 4;
const DR7 = OFFSET.debug + 8 * 5;
const DPL = 0x60;
const DR7_RESET = 0x400;

/** Registers of 8 bytes: in the CPU's block, and in the VMCB. */
const REGISTERS: readonly (readonly [block: number, vmcb: number])[] = [
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
];

/** ES, CS, SS and DS: the first four. */
const SEGMENTS = SEGMENT_NAMES.slice(0, 4).map(
  (name, i) => [segmentOffset(name), VMCB.es + 16 * i] as const,
);
const TABLES = [
  [OFFSET.gdtr, VMCB.gdtr],
  [OFFSET.idtr, VMCB.idtr],
] as const;

/** Where control registers lie among what is kept of the host. */
const KEPT = { CR0: 8 + 8 + 16 + 128, CR4: 8 + 8 + 16 + 128 + 8 + 8, EFER: 8 + 8 + 16 + 128 + 24 };

/** Ranges of the block that are the host's while a guest runs: offset and bytes, in words of 4. */
const HOST: readonly (readonly [at: number, bytes: number])[] = [
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
];
export const HOST_BYTES = HOST.reduce((sum, [, bytes]) => sum + bytes, 0);

export function saveHost({ view }: CpuState, into: DataView): void {
  let to = 0;
  for (const [at, bytes] of HOST)
    for (let i = 0; i < bytes; i += 4, to += 4)
      into.setInt32(to, view.getInt32(at + i, true), true);
}

export function loadHost({ view }: CpuState, from: DataView): void {
  let at = 0;
  for (const [to, bytes] of HOST)
    for (let i = 0; i < bytes; i += 4, at += 4)
      view.setInt32(to + i, from.getInt32(at, true), true);
  view.setInt32(DR7, DR7_RESET, true);
  view.setInt32(DR7 + 4, 0, true);
}

/** The paging of the host, as it was at VMRUN, with other tables. */
export function hostPaging(host: DataView, root: number, profile: CpuProfile): PagingContext {
  const has = (name: keyof typeof KEPT, bit: bigint): boolean =>
    (host.getInt32(KEPT[name], true) & Number(bit)) !== 0;
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

export function loadGuest({ view }: CpuState, vmcb: DataView): void {
  for (const [at, from] of REGISTERS) {
    view.setInt32(at, vmcb.getInt32(from, true), true);
    view.setInt32(at + 4, vmcb.getInt32(from + 4, true), true);
  }
  for (const [at, from] of TABLES) {
    view.setInt32(at, vmcb.getInt32(from + SEGMENT.base, true), true);
    view.setInt32(at + 4, vmcb.getInt32(from + SEGMENT.base + 4, true), true);
    view.setUint16(at + TABLE_LIMIT, vmcb.getUint16(from + SEGMENT.limit, true), true);
  }
  for (const [at, from] of SEGMENTS) loadSegment(view, at, vmcb, from);
  // CPL is that of the VMCB, whatever the attributes of SS say.
  const ss = segmentOffset("SS") + RIGHTS_AT;
  const cpl = vmcb.getUint8(VMCB.cpl) & 3;
  view.setInt32(ss, (view.getInt32(ss, true) & ~DPL) | (cpl << 5), true);
  fixControls(view);
}

/** ET reads as 1, bit 1 of RFLAGS too, and LMA follows from LME and PG. */
function fixControls(view: DataView): void {
  const [cr0, efer] = [controlOffset("CR0"), controlOffset("EFER")];
  view.setInt32(cr0, view.getInt32(cr0, true) | Number(CR0.ET), true);
  view.setInt32(OFFSET.rflags, view.getInt32(OFFSET.rflags, true) | 2, true);
  const isPaged = view.getInt32(cr0, true) < 0;
  const value = view.getInt32(efer, true);
  const isLong = isPaged && (value & Number(EFER.LME)) !== 0;
  view.setInt32(efer, isLong ? value | Number(EFER.LMA) : value & ~Number(EFER.LMA), true);
}

export function loadSegment(view: DataView, at: number, vmcb: DataView, from: number): void {
  view.setInt32(at + BASE, vmcb.getInt32(from + SEGMENT.base, true), true);
  view.setInt32(at + BASE + 4, vmcb.getInt32(from + SEGMENT.base + 4, true), true);
  view.setInt32(at + LIMIT, vmcb.getInt32(from + SEGMENT.limit, true), true);
  const rights = rightsOf(vmcb.getUint16(from + SEGMENT.attributes, true));
  const unusable = (rights & RIGHTS.present) === 0 ? RIGHTS.unusable : 0;
  view.setInt32(at + RIGHTS_AT, rights | unusable, true);
  view.setUint16(at + SELECTOR, vmcb.getUint16(from + SEGMENT.selector, true), true);
}

export function saveGuest(state: CpuState, vmcb: DataView): void {
  const { view } = state;
  for (const [at, to] of REGISTERS) {
    vmcb.setInt32(to, view.getInt32(at, true), true);
    vmcb.setInt32(to + 4, view.getInt32(at + 4, true), true);
  }
  for (const [at, to] of TABLES) {
    vmcb.setInt32(to + SEGMENT.base, view.getInt32(at, true), true);
    vmcb.setInt32(to + SEGMENT.base + 4, view.getInt32(at + 4, true), true);
    vmcb.setInt32(to + SEGMENT.limit, view.getUint16(at + TABLE_LIMIT, true), true);
  }
  for (const [at, to] of SEGMENTS) saveSegment(view, at, vmcb, to);
  vmcb.setUint8(VMCB.cpl, state.cpl);
}

export function saveSegment(view: DataView, at: number, vmcb: DataView, to: number): void {
  vmcb.setInt32(to + SEGMENT.base, view.getInt32(at + BASE, true), true);
  vmcb.setInt32(to + SEGMENT.base + 4, view.getInt32(at + BASE + 4, true), true);
  vmcb.setInt32(to + SEGMENT.limit, view.getInt32(at + LIMIT, true), true);
  const rights = view.getInt32(at + RIGHTS_AT, true);
  const usable = (rights & RIGHTS.unusable) === 0 ? rights : rights & ~RIGHTS.present;
  vmcb.setUint16(to + SEGMENT.attributes, attributesOf(usable), true);
  vmcb.setUint16(to + SEGMENT.selector, view.getUint16(at + SELECTOR, true), true);
}

/** What VMLOAD and VMSAVE move: segments, and MSRs by name. */
const HIDDEN = [
  [segmentOffset("FS"), VMCB.fs],
  [segmentOffset("GS"), VMCB.gs],
  [systemSegmentOffset("LDTR"), VMCB.ldtr],
  [systemSegmentOffset("TR"), VMCB.tr],
] as const;
const KERNEL_GS_BASE = "IA32_KERNEL_GS_BASE";
const MSRS: readonly (readonly [SlotName, number])[] = [
  ["IA32_STAR", VMCB.star],
  ["IA32_LSTAR", VMCB.lstar],
  ["IA32_CSTAR", VMCB.cstar],
  ["IA32_FMASK", VMCB.sfmask],
  [KERNEL_GS_BASE, VMCB.kernelGsBase],
  ["IA32_SYSENTER_CS", VMCB.sysenterCs],
  ["IA32_SYSENTER_ESP", VMCB.sysenterEsp],
  ["IA32_SYSENTER_EIP", VMCB.sysenterEip],
];

/** Bases are made canonical, as the manual says of VMLOAD ("Canonicalization and Consistency Checks"). */
export function loadHidden(state: CpuState, vmcb: DataView): void {
  for (const [at, from] of HIDDEN) {
    loadSegment(state.view, at, vmcb, from);
    state.view.setBigUint64(at, canonical(state.view.getBigUint64(at, true)), true);
  }
  for (const [name, from] of MSRS) {
    const value = vmcb.getBigUint64(from, true);
    writeSlot(state, name, name === KERNEL_GS_BASE ? canonical(value) : value);
  }
  state.attention = true;
}

export function saveHidden(state: CpuState, vmcb: DataView): void {
  for (const [at, to] of HIDDEN) saveSegment(state.view, at, vmcb, to);
  for (const [name, to] of MSRS) vmcb.setBigUint64(to, readSlot(state, name), true);
}

const canonical = (address: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(48, address));
