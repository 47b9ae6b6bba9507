/**
 * Registers as user space gives and gets them: KVM API, "KVM_GET_SREGS"; Linux, arch/x86/kvm/x86.c, __get_regs, __set_regs, __get_sregs,
 * __set_sregs, kvm_vcpu_ioctl_x86_set_debugregs, kvm_vcpu_ioctl_x86_set_xcrs.
 */

import { cr4Bits } from "../../hw/cpu/control-registers.ts";
import type { CpuProfile } from "../../hw/cpu/cpuid/profile.ts";
import { debugValue } from "../../hw/cpu/debug.ts";
import type { Environment } from "../../hw/cpu/environment.ts";
import { readSlot, writeSlot } from "../../hw/cpu/msr/slots.ts";
import {
  CR0,
  CR4,
  type CpuState,
  EFER,
  RFLAGS_FIXED,
  RIGHTS,
  type SegmentState,
} from "../../hw/cpu/state.ts";
import { GPR_NAMES, type GprName } from "../../hw/cpu/uop.ts";
import { isValidXcr0 } from "../../hw/cpu/x87/xcr.ts";
import type { Errno } from "../../linux/errno.ts";
import type { ValueOf } from "./ioctl.ts";
import type { kvm_debugregs, kvm_regs, kvm_segment, kvm_sregs, kvm_xcrs } from "./structures.ts";
import type { PendingEvent } from "../x86/ops.ts";

type Regs = ValueOf<typeof kvm_regs>;
type Sregs = ValueOf<typeof kvm_sregs>;
type Debugregs = ValueOf<typeof kvm_debugregs>;
type Xcrs = ValueOf<typeof kvm_xcrs>;
type Segment = ValueOf<typeof kvm_segment>;

/** By number in the encoding. */
const GPRS = GPR_NAMES.map((name) => name.toLowerCase() as Lowercase<GprName>);

export function getRegs(state: CpuState): Regs {
  const gprs = GPRS.map((name, number) => [name, state.gpr(number)] as const);
  const named = Object.fromEntries(gprs) as Record<Lowercase<GprName>, bigint>;
  return { ...named, rip: state.rip, rflags: state.rflags };
}

export function setRegs(state: CpuState, regs: Regs): void {
  for (const [number, name] of GPRS.entries()) state.setGpr(number, regs[name]);
  state.rip = regs.rip;
  state.rflags = regs.rflags | RFLAGS_FIXED;
}

const SEGMENTS = [
  ["cs", "CS"],
  ["ds", "DS"],
  ["es", "ES"],
  ["fs", "FS"],
  ["gs", "GS"],
  ["ss", "SS"],
] as const;
const SYSTEM_SEGMENTS = [
  ["tr", "TR"],
  ["ldt", "LDTR"],
] as const;
const AVL = 0x1000;
const DPL_SHIFT = 5;

function getSegment({ base, limit, selector, rights }: SegmentState): Segment {
  const bit = (mask: number): number => ((rights & mask) === 0 ? 0 : 1);
  const unusable = bit(RIGHTS.unusable);
  return {
    base,
    limit,
    selector,
    type: rights & 15,
    s: bit(RIGHTS.s),
    dpl: (rights >> DPL_SHIFT) & 3,
    present: unusable === 1 ? 0 : bit(RIGHTS.present),
    avl: bit(AVL),
    l: bit(RIGHTS.long),
    db: bit(RIGHTS.big),
    g: bit(RIGHTS.granularity),
    unusable,
  };
}

function segmentState(of: Segment): SegmentState {
  const bit = (value: number, mask: number): number => ((value & 1) === 0 ? 0 : mask);
  const isUsable = of.unusable === 0 && (of.present & 1) === 1;
  const rights =
    (of.type & 15) |
    bit(of.s, RIGHTS.s) |
    ((of.dpl & 3) << DPL_SHIFT) |
    bit(of.avl, AVL) |
    bit(of.l, RIGHTS.long) |
    bit(of.db, RIGHTS.big) |
    bit(of.g, RIGHTS.granularity) |
    (isUsable ? RIGHTS.present : RIGHTS.unusable);
  return { base: of.base, limit: of.limit, selector: of.selector, rights };
}

export function getSregs(state: CpuState, pending: PendingEvent | null): Sregs {
  const segment = (name: (typeof SEGMENTS)[number][1]): Segment => getSegment(state.segment(name));
  const bitmap = [0n, 0n, 0n, 0n];
  if (pending?.type === "interrupt")
    bitmap[pending.vector >> 6] = 1n << BigInt(pending.vector & 63);
  return {
    cs: segment("CS"),
    ds: segment("DS"),
    es: segment("ES"),
    fs: segment("FS"),
    gs: segment("GS"),
    ss: segment("SS"),
    tr: getSegment(state.systemSegment("TR")),
    ldt: getSegment(state.systemSegment("LDTR")),
    gdt: state.table("GDTR"),
    idt: state.table("IDTR"),
    cr0: state.control("CR0"),
    cr2: state.control("CR2"),
    cr3: state.control("CR3"),
    cr4: state.control("CR4"),
    cr8: state.control("CR8"),
    efer: state.control("EFER"),
    apic_base: readSlot(state, "IA32_APIC_BASE"),
    interrupt_bitmap: bitmap,
  };
}

export function setSregs(state: CpuState, environment: Environment, sregs: Sregs): Errno | null {
  if (!isValid(environment, sregs)) return "EINVAL";
  for (const [from, to] of SEGMENTS) state.setSegment(to, segmentState(sregs[from]));
  for (const [from, to] of SYSTEM_SEGMENTS) state.setSystemSegment(to, segmentState(sregs[from]));
  state.setTable("GDTR", sregs.gdt);
  state.setTable("IDTR", sregs.idt);
  state.setControl("CR0", sregs.cr0 | CR0.ET);
  state.setControl("CR2", sregs.cr2);
  state.setControl("CR3", sregs.cr3);
  state.setControl("CR4", sregs.cr4);
  state.setControl("CR8", sregs.cr8 & 15n);
  state.setControl("EFER", sregs.efer);
  writeSlot(state, "IA32_APIC_BASE", sregs.apic_base);
  environment.apicBaseChanged(sregs.apic_base);
  environment.taskPriorityChanged(Number(sregs.cr8 & 15n));
  return null;
}

/** The last interrupt of the bitmap. */
export function pendingVector({ interrupt_bitmap: bitmap }: Sregs): number | null {
  for (let vector = 255; vector >= 0; vector -= 1)
    if (((bitmap[vector >> 6] ?? 0n) >> BigInt(vector & 63)) % 2n === 1n) return vector;
  return null;
}

const EFER_BITS = EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE | EFER.FFXSR;
const HIGH = 2n ** 32n;

/** kvm_is_valid_sregs, with the bits of EFER and of IA32_APIC_BASE that exist. */
function isValid({ profile }: Environment, sregs: Sregs): boolean {
  const { cr0, cr3, cr4, efer, apic_base: apicBase } = sregs;
  const has = (value: bigint, bit: bigint): boolean => (value & bit) !== 0n;
  const isPaged = has(cr0, CR0.PG);
  const beyond = BigInt(profile.physicalBits);
  if (cr0 >= HIGH || (has(cr0, CR0.NW) && !has(cr0, CR0.CD))) return false;
  if (isPaged && !has(cr0, CR0.PE)) return false;
  if ((cr4 & ~cr4Bits(profile)) !== 0n || has(cr4, CR4.VMXE)) return false;
  if ((efer & ~EFER_BITS) !== 0n || apicBase >> beyond !== 0n) return false;
  if (!has(efer, EFER.LME) || !isPaged) return !has(efer, EFER.LMA) && (sregs.cs.l & 1) === 0;
  return has(cr4, CR4.PAE) && has(efer, EFER.LMA) && cr3 >> beyond === 0n;
}

const BREAKPOINTS = ["DR0", "DR1", "DR2", "DR3"] as const;

export const getDebugRegs = (state: CpuState): Debugregs => ({
  db: BREAKPOINTS.map((name) => state.debug(name)),
  dr6: state.debug("DR6"),
  dr7: state.debug("DR7"),
  flags: 0n,
});

/** Deviation: bits that a processor fixes are fixed here, not when the guest writes them the first time (ADR 10). */
export function setDebugRegs(state: CpuState, { db, dr6, dr7, flags }: Debugregs): Errno | null {
  if (flags !== 0n || dr6 >= HIGH || dr7 >= HIGH) return "EINVAL";
  for (const [i, name] of BREAKPOINTS.entries()) state.setDebug(name, db[i] ?? 0n);
  state.setDebug("DR6", debugValue("DR6", dr6));
  state.setDebug("DR7", debugValue("DR7", dr7));
  return null;
}

const MOST_XCRS = 16;
const NO_XCR = { xcr: 0, value: 0n };

/** There is XCR0, where there is XSAVE. */
export const getXcrs = (state: CpuState, { features }: CpuProfile): Xcrs => ({
  nr_xcrs: features.has("XSAVE") ? 1 : 0,
  flags: 0,
  xcrs: Array.from({ length: MOST_XCRS }, (_, i) =>
    i === 0 && features.has("XSAVE") ? { xcr: 0, value: state.xcr0 } : NO_XCR,
  ),
});

export function setXcrs(state: CpuState, { features }: CpuProfile, given: Xcrs): Errno | null {
  const { nr_xcrs: count, flags, xcrs } = given;
  if (!features.has("XSAVE") || count > MOST_XCRS || flags !== 0) return "EINVAL";
  const value = xcrs.slice(0, count).find(({ xcr }) => xcr === 0)?.value;
  if (value === undefined) return null;
  if (!isValidXcr0(value)) return "EINVAL";
  state.xcr0 = value;
  return null;
}
