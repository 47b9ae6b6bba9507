/**
 * Writes of control registers with their checks and what follows from them: SDM Vol. 2B, "MOV—Move to/from Control
 * Registers"; Vol. 3, "Control Registers", "IA-32e Mode System Data Structure Consistency Checking", "PDPTE Registers",
 * "Operations that Invalidate TLBs and Paging-Structure Caches". A fault changes nothing.
 */

import type { AssistContext } from "./assist.ts";
import type { CpuProfile } from "./cpuid/profile.ts";
import type { FeatureName } from "./cpuid/features.ts";
import type { EngineParts } from "./engine/engine.ts";
import { type Fault, GP0 } from "./fault.ts";
import { isFault } from "./mmu.ts";
import { is64Bit, isLongMode } from "./mode.ts";
import { BIT, CR0, CR4, type CpuState, EFER, RIGHTS } from "./state.ts";
import { LOW_32 } from "./system.ts";
import type { ControlWrite } from "./virtualization.ts";

type Access = Pick<EngineParts, "state" | "memory" | "environment" | "virtualization">;

/** Bits that a write changes; ET is always 1, and the other bits below 32 are reserved and ignored. */
const CR0_BITS =
  CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG;

/** CR4, bit by bit: a bit whose feature is missing is reserved. */
const CR4_FEATURES: readonly (readonly [bigint, FeatureName | null])[] = [
  [CR4.VME, "VME"],
  [CR4.PVI, "VME"],
  [CR4.TSD, "TSC"],
  [CR4.DE, "DE"],
  [CR4.PSE, "PSE"],
  [CR4.PAE, "PAE"],
  [CR4.MCE, "MCE"],
  [CR4.PGE, "PGE"],
  [CR4.PCE, null],
  [CR4.OSFXSR, "FXSR"],
  [CR4.OSXMMEXCPT, "SSE"],
  [CR4.UMIP, "UMIP"],
  [CR4.VMXE, "VMX"],
  [CR4.FSGSBASE, "FSGSBASE"],
  [CR4.PCIDE, "PCID"],
  [CR4.OSXSAVE, "XSAVE"],
  [CR4.SMEP, "SMEP"],
  [CR4.SMAP, "SMAP"],
];

export function cr4Bits({ features }: CpuProfile): bigint {
  let bits = 0n;
  for (const [bit, feature] of CR4_FEATURES) {
    if (feature === null || features.has(feature)) bits |= bit;
  }
  return bits;
}

const BUSY_TSS_16 = 3;
const PCID = 0xfffn;
const KEEP_TRANSLATIONS = 1n << 63n;

const changes = (before: bigint, after: bigint, bits: bigint): boolean =>
  ((before ^ after) & bits) !== 0n;

/** PAE paging is on, or would be with these: its PDPTEs are in registers. */
const usesPdptes = (cr0: bigint, cr4: bigint, longMode: boolean): boolean =>
  (cr0 & CR0.PG) !== 0n && (cr4 & CR4.PAE) !== 0n && !longMode;

/** The next instruction may be of another mode, and an event may have become possible. */
function changed({ state, memory }: Access): void {
  state.attention = true;
  memory.contextChanged();
}

/** MOV to a control register, CLTS and LMSW; a guest's write is what its hypervisor leaves of it. */
export function writeControl(context: AssistContext, write: ControlWrite): Fault | null {
  const { state, virtualization } = context;
  const value =
    state.isGuest && virtualization !== undefined
      ? virtualization.writeControl(context, write)
      : write.value;
  if (value === null || isFault(value)) return value;
  switch (write.name) {
    case "CR0":
      return writeCr0(context, value);
    case "CR2":
      state.setControl("CR2", value);
      return null;
    case "CR3":
      return writeCr3(context, value);
    case "CR4":
      return writeCr4(context, value);
    case "CR8":
      return writeCr8(context, value);
  }
}

function writeCr0(access: Access, value: bigint): Fault | null {
  const { state, memory } = access;
  const before = state.control("CR0");
  const after = (before & ~CR0_BITS) | (value & CR0_BITS) | CR0.ET;
  if (value > LOW_32 || access.virtualization?.allowsControl("CR0", after) === false) return GP0;
  const [hasPg, hasPe] = [(after & CR0.PG) !== 0n, (after & CR0.PE) !== 0n];
  if (hasPg && !hasPe) return GP0;
  if ((after & CR0.NW) !== 0n && (after & CR0.CD) === 0n) return GP0;
  const togglesPg = changes(before, after, CR0.PG);
  let efer = state.control("EFER");
  if (togglesPg) {
    const allowed = hasPg ? maySetPaging(state) : mayClearPaging(state);
    if (!allowed) return GP0;
    const isLong = hasPg && (efer & EFER.LME) !== 0n;
    efer = isLong ? efer | EFER.LMA : efer & ~EFER.LMA;
  }
  const cr4 = state.control("CR4");
  const reloads = changes(before, after, CR0.PG | CR0.CD | CR0.NW);
  if (reloads && usesPdptes(after, cr4, (efer & EFER.LMA) !== 0n)) {
    const fault = memory.loadPdptes(state.control("CR3"));
    if (fault !== null) return fault;
  }
  state.setControl("CR0", after);
  state.setControl("EFER", efer);
  if (togglesPg && !hasPg) memory.invalidateAll(false);
  changed(access);
  return null;
}

/** With LME, paging goes with IA-32e mode: PAE, no 64-bit code segment yet, no 16-bit TSS. */
function maySetPaging(state: CpuState): boolean {
  if (!state.has("EFER", BIT.EFER.LME)) return true;
  const isLongCode = (state.rights("CS") & RIGHTS.long) !== 0;
  const isTss16 = (state.systemSegment("TR").rights & 0xf) === BUSY_TSS_16;
  return state.has("CR4", BIT.CR4.PAE) && !isLongCode && !isTss16;
}

const mayClearPaging = (state: CpuState): boolean =>
  !state.has("CR4", BIT.CR4.PCIDE) && !is64Bit(state);

function writeCr3(access: Access, value: bigint): Fault | null {
  const { state, memory, environment } = access;
  const hasPcids = state.has("CR4", BIT.CR4.PCIDE);
  const keeps = hasPcids && (value & KEEP_TRANSLATIONS) !== 0n;
  const next = hasPcids ? value & ~KEEP_TRANSLATIONS : value;
  if (next >> BigInt(environment.profile.physicalBits) !== 0n) return GP0;
  if (usesPdptes(state.control("CR0"), state.control("CR4"), isLongMode(state))) {
    const fault = memory.loadPdptes(next);
    if (fault !== null) return fault;
  }
  state.setControl("CR3", next);
  if (!keeps) memory.invalidatePcid(hasPcids ? Number(next & PCID) : 0);
  memory.contextChanged();
  return null;
}

function writeCr4(access: Access, value: bigint): Fault | null {
  const { state, memory, environment } = access;
  const before = state.control("CR4");
  if ((value & ~cr4Bits(environment.profile)) !== 0n) return GP0;
  if (access.virtualization?.allowsControl("CR4", value) === false) return GP0;
  const longMode = isLongMode(state);
  if (longMode && (value & CR4.PAE) === 0n) return GP0;
  const setsPcids = (value & ~before & CR4.PCIDE) !== 0n;
  if (setsPcids && (!longMode || (state.control("CR3") & PCID) !== 0n)) return GP0;
  const reloads = changes(before, value, CR4.PAE | CR4.PGE | CR4.PSE | CR4.SMEP);
  if (reloads && usesPdptes(state.control("CR0"), value, longMode)) {
    const fault = memory.loadPdptes(state.control("CR3"));
    if (fault !== null) return fault;
  }
  state.setControl("CR4", value);
  invalidateAfterCr4(access, before, value);
  changed(access);
  return null;
}

/** PSE is the APM's: Vol. 2, "Implicit Invalidations"; it does no harm on others. */
function invalidateAfterCr4({ state, memory }: Access, before: bigint, after: bigint): void {
  const clearsPcids = (before & ~after & CR4.PCIDE) !== 0n;
  if (clearsPcids || changes(before, after, CR4.PGE | CR4.PAE | CR4.PSE)) {
    memory.invalidateAll(false);
  } else if ((after & ~before & CR4.SMEP) !== 0n) {
    const hasPcids = (after & CR4.PCIDE) !== 0n;
    memory.invalidatePcid(hasPcids ? Number(state.control("CR3") & PCID) : 0);
  }
}

/** The priority of the task: bits 7 to 4 of the local APIC's TPR. */
function writeCr8({ state, environment }: Access, value: bigint): Fault | null {
  if (value > 15n) return GP0;
  state.setControl("CR8", value);
  environment.taskPriorityChanged(Number(value));
  state.attention = true;
  return null;
}
