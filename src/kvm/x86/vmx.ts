/**
 * KVM on VMX: a VMCS for each vCPU. SDM Vol. 3, "Virtual Machine Extensions"; Linux, arch/x86/kvm/vmx/vmx.c. Guests are
 * unrestricted, so real mode needs nothing of its own.
 *
 * Not done: task switches through the IDT.
 */

import { VECTORS } from "../../hw/cpu/fault.ts";
import { readSlot, type SlotName, writeSlot } from "../../hw/cpu/msr/slots.ts";
import { BLOCKING, CR4, type CpuState, EFER, OFFSET, RFLAGS, RIGHTS } from "../../hw/cpu/state.ts";
import { SEGMENT_NAMES } from "../../hw/cpu/uop.ts";
import { ENTRY, INFO, SECONDARY, TYPE } from "../../hw/cpu/vmx/controls.ts";
import { type FieldName, fieldOf } from "../../hw/cpu/vmx/fields.ts";
import { ENTRY_FAILURE, REASON } from "../../hw/cpu/vmx/reasons.ts";
import { REVISION } from "../../hw/cpu/vmx/vmcs.ts";
import { Vmx } from "../../hw/cpu/vmx/vmx.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { assert } from "../../sim/assert.ts";
import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import type { Cause, Entry, Exit, Hosted, PendingEvent, Windows, X86Ops } from "./ops.ts";
import { swap } from "./swapped.ts";
import {
  controlFields,
  ENTRY_CONTROLS,
  FIXED,
  hostFields,
  LAST_ENTRY,
  LEAF_BITS,
  OWNED,
  primaryControls,
  secondaryControls,
} from "./vmx-fields.ts";

/** What each exit means. */
const CAUSES = new Map<number, Cause>([
  [REASON.externalInterrupt, { is: "interrupt" }],
  [REASON.initSignal, { is: "interrupt" }],
  [REASON.interruptWindow, { is: "window" }],
  [REASON.nmiWindow, { is: "window" }],
  // Each exit empties the log.
  [REASON.pageModificationLogFull, { is: "interrupt" }],
  [REASON.tripleFault, { is: "shutdown" }],
  [REASON.CPUID, { is: "CPUID" }],
  [REASON.HLT, { is: "HLT" }],
  [REASON.VMCALL, { is: "hypercall" }],
]);
for (const name of ["INVD", "controlRegisterAccess", "ioInstruction", "MOVDR"] as const)
  CAUSES.set(REASON[name], { is: "instruction" });
for (const name of ["RDMSR", "WRMSR", "XSETBV"] as const)
  CAUSES.set(REASON[name], { is: "instruction" });
/** Instructions of VMX, which a guest does not have. */
const ABSENT = [
  ...(["VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE"] as const),
  ...(["VMXOFF", "VMXON", "INVEPT", "INVVPID"] as const),
];
for (const name of ABSENT) CAUSES.set(REASON[name], { is: "undefined instruction" });

const WRITE = 2n;
/** Of an exit qualification. */
const UNBLOCKED_BY_IRET = 0x1000n;
/** Of IA32_DEBUGCTL, and of pending debug exceptions. */
const [BTF, BS] = [2n, 0x4000n];
/** Of entries of EPT. */
const [ACCESSED, DIRTY] = [0x100, 0x200];
/** IA32_VMX_PROCBASED_CTLS2: secondary controls that may be 1 are in its high half. */
const PROCBASED_CTLS2 = 0x48b;
/** Of a task switch: what has asked for it. */
const [SOURCE_SHIFT, SOURCE_IDT] = [30n, 3n];

const TYPES = {
  interrupt: TYPE.externalInterrupt,
  NMI: TYPE.nmi,
  exception: TYPE.hardwareException,
} as const;
/** Software's own events are raised again by their instruction. */
const NAMES: Readonly<Record<number, PendingEvent["type"]>> = {
  [TYPE.externalInterrupt]: "interrupt",
  [TYPE.nmi]: "NMI",
  [TYPE.hardwareException]: "exception",
};

/** MSRs that instructions use and that no VMCS has. */
const SWAPPED: readonly SlotName[] = [
  "IA32_STAR",
  "IA32_LSTAR",
  "IA32_CSTAR",
  "IA32_FMASK",
  "IA32_KERNEL_GS_BASE",
];
const KEPT_MSRS = ["IA32_DEBUGCTL", "IA32_PAT"] as const;
const SYSENTER_MSRS = ["IA32_SYSENTER_CS", "IA32_SYSENTER_ESP", "IA32_SYSENTER_EIP"] as const;
const PDPTES = [0, 1, 2, 3] as const;
/** IA32_FEATURE_CONTROL: the lock, and VMXON outside SMX. */
const ALLOWED = 5n;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const BLOCKED = SHADOWS | BLOCKING.nmi;
const IF = RFLAGS.IF;
const DB = 1 << VECTORS["#DB"];

const vmxOf = ({ virtualization }: HostCpu): Vmx => {
  assert(virtualization instanceof Vmx, "the CPUs of a host with vmx have VMX");
  return virtualization;
};

/** VMREAD and VMWRITE of the current VMCS. */
class Current {
  readonly #vmx: Vmx;

  constructor(cpu: HostCpu) {
    this.#vmx = vmxOf(cpu);
  }

  get(name: FieldName): bigint {
    return this.#vmx.vmcs.read(fieldOf(name));
  }

  set(name: FieldName, value: bigint): void {
    if (this.get(name) !== value) this.#vmx.write(fieldOf(name), value, false);
  }
}

export class VmxOps implements X86Ops {
  readonly name = "vmx";
  readonly leafBits = LEAF_BITS;
  readonly accessedBit = ACCESSED;
  readonly dirtyBit = DIRTY;
  readonly logsPages: boolean;
  readonly tags = 0x1_0000;
  readonly #ram: PagedMemory;

  /** `pml`: page-modification logging may be used, if the CPU has it. */
  constructor(ram: PagedMemory, cpu: HostCpu, pml: boolean) {
    this.#ram = ram;
    const allowed = (cpu.readMsr(PROCBASED_CTLS2) ?? 0n) >> 32n;
    this.logsPages = pml && (allowed & BigInt(SECONDARY.enablePml)) !== 0n;
  }

  enable(cpu: HostCpu, region: number): void {
    const { state } = cpu;
    state.setControl("CR4", state.control("CR4") | CR4.VMXE);
    writeSlot(state, "IA32_FEATURE_CONTROL", ALLOWED);
    this.#ram.write32(region * PAGE_SIZE, REVISION);
    vmxOf(cpu).begin(region * PAGE_SIZE);
  }

  create({ control }: Hosted): void {
    this.#ram.write32(control * PAGE_SIZE, REVISION);
  }

  load(cpu: HostCpu, vcpu: Hosted, isNew: boolean): void {
    vmxOf(cpu).load(vcpu.control * PAGE_SIZE);
    if (!isNew) return;
    const fields = new Current(cpu);
    for (const [name, value] of [...controlFields(vcpu), ...hostFields(cpu)])
      fields.set(name, value);
  }

  /** The data of the VMCS goes back to its region. */
  put(cpu: HostCpu, { control }: Hosted): void {
    vmxOf(cpu).clear(control * PAGE_SIZE);
  }

  store(cpu: HostCpu, { registers, exceptions }: Hosted): void {
    const { state } = cpu;
    const fields = new Current(cpu);
    fields.set("Exception bitmap", BigInt(exceptions));
    storeSegments(fields, registers);
    for (const name of ["CR0", "CR4"] as const) {
      const value = registers.control(name);
      fields.set(`${name} read shadow`, value);
      fields.set(`Guest ${name}`, (value & ~OWNED[name]) | FIXED[name]);
    }
    const efer = registers.control("EFER");
    const isLong = (efer & EFER.LMA) !== 0n;
    fields.set("VM-entry controls", ENTRY_CONTROLS | (isLong ? BigInt(ENTRY.ia32eModeGuest) : 0n));
    fields.set("Guest CR3", registers.control("CR3"));
    fields.set("Guest IA32_EFER", efer);
    fields.set("Guest DR7", registers.debug("DR7"));
    fields.set("Guest RSP", registers.gpr(4));
    fields.set("Guest RIP", registers.rip);
    fields.set("Guest RFLAGS", registers.rflags);
    for (const name of [...KEPT_MSRS, ...SYSENTER_MSRS])
      fields.set(`Guest ${name}`, readSlot(registers, name));
    for (const i of PDPTES)
      fields.set(`Guest PDPTE${i}`, registers.view.getBigUint64(OFFSET.pdptes + 8 * i, true));
    fields.set("Guest interruptibility state", BigInt(registers.blocking & BLOCKED));
    fields.set("Guest activity state", 0n);
    fields.set("Guest pending debug exceptions", 0n);
    const offset = readSlot(registers, "TSC offset") - readSlot(state, "TSC offset");
    fields.set("TSC offset", BigInt.asUintN(64, offset));
    swap(registers, state, SWAPPED);
    state.setControl("CR2", registers.control("CR2"));
    state.setDebug("DR6", registers.debug("DR6"));
  }

  fetch(cpu: HostCpu, { registers }: Hosted): void {
    const { state } = cpu;
    const fields = new Current(cpu);
    swap(state, registers, SWAPPED);
    registers.setControl("CR2", state.control("CR2"));
    registers.setDebug("DR6", state.debug("DR6"));
    fetchSegments(fields, registers);
    for (const name of ["CR0", "CR4"] as const) {
      const owned = fields.get(`${name} read shadow`) & OWNED[name];
      registers.setControl(name, (fields.get(`Guest ${name}`) & ~OWNED[name]) | owned);
    }
    registers.setControl("CR3", fields.get("Guest CR3"));
    registers.setControl("EFER", fields.get("Guest IA32_EFER"));
    registers.setDebug("DR7", fields.get("Guest DR7"));
    registers.setGpr(4, fields.get("Guest RSP"));
    registers.rip = fields.get("Guest RIP");
    registers.rflags = fields.get("Guest RFLAGS");
    for (const name of [...KEPT_MSRS, ...SYSENTER_MSRS])
      writeSlot(registers, name, fields.get(`Guest ${name}`));
    for (const i of PDPTES)
      registers.view.setBigUint64(OFFSET.pdptes + 8 * i, fields.get(`Guest PDPTE${i}`), true);
    registers.blocking = Number(fields.get("Guest interruptibility state")) & BLOCKED;
  }

  canTake(cpu: HostCpu, { registers }: Hosted, isInHardware: boolean): Windows {
    const fields = new Current(cpu);
    const flags = isInHardware ? fields.get("Guest RFLAGS") : registers.rflags;
    const blocking = isInHardware
      ? Number(fields.get("Guest interruptibility state"))
      : registers.blocking;
    const isShadowed = (blocking & SHADOWS) !== 0;
    return { interrupt: (flags & IF) !== 0n && !isShadowed, nmi: (blocking & BLOCKED) === 0 };
  }

  enter(cpu: HostCpu, vcpu: Hosted, { event, flush, windows }: Entry): Exit | null {
    const fields = new Current(cpu);
    fields.set(
      "Primary processor-based VM-execution controls",
      primaryControls(windows, (vcpu.exceptions & DB) !== 0),
    );
    fields.set("VM-entry interruption-information field", event === null ? 0n : wordOf(event));
    fields.set("VM-entry exception error code", BigInt(event?.errorCode ?? 0));
    fields.set("Secondary processor-based VM-execution controls", secondaryControls(vcpu));
    if (flush) {
      // INVEPT of these tables, and INVVPID of the vCPU.
      cpu.memory.invalidateTables(vcpu.root * PAGE_SIZE);
      cpu.memory.invalidateVpid(vcpu.tag, false);
    }
    announceStep(fields);
    const error = vmxOf(cpu).enter();
    if (error === 0) return null;
    const cause = { is: "failed entry", reason: BigInt(error) } as const;
    return { cause, reason: error, next: 0n, vectoring: null };
  }

  exit(cpu: HostCpu): Exit {
    const fields = new Current(cpu);
    const reason = Number(fields.get("Exit reason"));
    const rip = fields.get("Guest RIP") + fields.get("VM-exit instruction length");
    const rights = Number(fields.get("Guest CS access rights"));
    const isWide =
      (rights & RIGHTS.long) !== 0 && (fields.get("Guest IA32_EFER") & EFER.LMA) !== 0n;
    const cause = causeOf(fields, reason);
    const vectoring = vectoringOf(fields);
    recoverNmiBlocking(fields, reason, vectoring);
    return { reason, cause, next: BigInt.asUintN(isWide ? 64 : 32, rip), vectoring };
  }

  logged(cpu: HostCpu, { log }: Hosted): readonly number[] {
    if (log === 0) return [];
    // The index is that of the next entry; behind the first comes 0xffff.
    const next = Number(new Current(cpu).get("PML index"));
    const count = (Number(LAST_ENTRY) - next) & 0xffff;
    return Array.from({ length: count }, (_, i) =>
      Number(this.#ram.read64(log * PAGE_SIZE + 8 * (Number(LAST_ENTRY) - i)) / BigInt(PAGE_SIZE)),
    );
  }

  emptyLog(cpu: HostCpu): void {
    new Current(cpu).set("PML index", LAST_ENTRY);
  }
}

/**
 * A guest in a shadow is entered with its trap flag only if a single step is said to be pending. It is: the shadow is that
 * of an instruction that was traced. SDM Vol. 3, "Checks on Guest Non-Register State".
 */
function announceStep(fields: Current): void {
  const isShadowed = (Number(fields.get("Guest interruptibility state")) & SHADOWS) !== 0;
  const isTraced = (fields.get("Guest RFLAGS") & RFLAGS.TF) !== 0n;
  if (!isShadowed || !isTraced || (fields.get("Guest IA32_DEBUGCTL") & BTF) !== 0n) return;
  fields.set("Guest pending debug exceptions", fields.get("Guest pending debug exceptions") | BS);
}

/**
 * An NMI that has not come to its handler blocks none, and one whose IRET has faulted still does. SDM Vol. 3,
 * "Saving Non-Register State", "Information About NMI Unblocking Due to IRET".
 */
function recoverNmiBlocking(fields: Current, reason: number, vectoring: PendingEvent | null): void {
  const name = "Guest interruptibility state";
  const nmi = BigInt(BLOCKING.nmi);
  if (vectoring?.type === "NMI") fields.set(name, fields.get(name) & ~nmi);
  else if (vectoring === null && saysUnblocked(fields, reason))
    fields.set(name, fields.get(name) | nmi);
}

function saysUnblocked(fields: Current, reason: number): boolean {
  if (reason === REASON.eptViolation || reason === REASON.pageModificationLogFull)
    return (fields.get("Exit qualification") & UNBLOCKED_BY_IRET) !== 0n;
  if (reason !== REASON.exceptionOrNmi) return false;
  const information = Number(fields.get("VM-exit interruption information"));
  const isDoubleFault = (information & INFO.vector) === VECTORS["#DF"];
  return !isDoubleFault && (information & INFO.nmiUnblocking) !== 0;
}

function causeOf(fields: Current, reason: number): Cause {
  if ((reason & ENTRY_FAILURE) !== 0) return { is: "failed entry", reason: BigInt(reason) };
  const qualification = fields.get("Exit qualification");
  if (reason === REASON.exceptionOrNmi) return exceptionOf(fields, Number(qualification));
  if (reason === REASON.eptViolation) {
    const address = Number(fields.get("Guest-physical address"));
    return { is: "memory", address, write: (qualification & WRITE) !== 0n };
  }
  if (reason !== REASON.taskSwitch) return CAUSES.get(reason) ?? { is: "unknown" };
  const byEvent = qualification >> SOURCE_SHIFT === SOURCE_IDT;
  return { is: byEvent ? "unknown" : "instruction" };
}

function exceptionOf(fields: Current, debug: number): Cause {
  const information = Number(fields.get("VM-exit interruption information"));
  if ((information & INFO.type) >> 8 === TYPE.nmi) return { is: "interrupt" };
  return { is: "exception", vector: information & INFO.vector, debug };
}

const wordOf = ({ type, vector, errorCode }: PendingEvent): bigint =>
  BigInt(
    (INFO.valid |
      (TYPES[type] << 8) |
      vector |
      (errorCode === null ? 0 : INFO.deliverErrorCode)) >>>
      0,
  );

function vectoringOf(fields: Current): PendingEvent | null {
  const word = Number(fields.get("IDT-vectoring information field"));
  const type = NAMES[(word & INFO.type) >> 8];
  if ((word & INFO.valid) === 0 || type === undefined) return null;
  const hasErrorCode = (word & INFO.deliverErrorCode) !== 0;
  const errorCode = hasErrorCode ? Number(fields.get("IDT-vectoring error code")) : null;
  return { type, vector: word & INFO.vector, errorCode };
}

const SYSTEM_SEGMENTS = ["LDTR", "TR"] as const;
const TABLES = ["GDTR", "IDTR"] as const;

function storeSegments(fields: Current, state: CpuState): void {
  for (const name of [...SEGMENT_NAMES, ...SYSTEM_SEGMENTS]) {
    const isSystem = name === "LDTR" || name === "TR";
    const { selector, base, limit, rights } = isSystem
      ? state.systemSegment(name)
      : state.segment(name);
    fields.set(`Guest ${name} selector`, BigInt(selector));
    fields.set(`Guest ${name} base`, base);
    fields.set(`Guest ${name} limit`, BigInt(limit));
    fields.set(`Guest ${name} access rights`, BigInt(rights));
  }
  for (const name of TABLES) {
    const { base, limit } = state.table(name);
    fields.set(`Guest ${name} base`, base);
    fields.set(`Guest ${name} limit`, BigInt(limit));
  }
}

function fetchSegments(fields: Current, state: CpuState): void {
  for (const name of [...SEGMENT_NAMES, ...SYSTEM_SEGMENTS]) {
    const segment = {
      selector: Number(fields.get(`Guest ${name} selector`)),
      base: fields.get(`Guest ${name} base`),
      limit: Number(fields.get(`Guest ${name} limit`)),
      rights: Number(fields.get(`Guest ${name} access rights`)),
    };
    if (name === "LDTR" || name === "TR") state.setSystemSegment(name, segment);
    else state.setSegment(name, segment);
  }
  for (const name of TABLES)
    state.setTable(name, {
      base: fields.get(`Guest ${name} base`),
      limit: Number(fields.get(`Guest ${name} limit`)),
    });
}
