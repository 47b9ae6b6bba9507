/**
 * KVM on VMX: a VMCS for each vCPU. SDM Vol. 3, "Virtual Machine Extensions"; Linux, arch/x86/kvm/vmx/vmx.c. Guests are
 * unrestricted, so real mode needs nothing of its own.
 *
 * Not done: task switches through the IDT.
 */

import type { AccessSize } from "../../hw/chips/socket.ts";
import { VECTORS } from "../../hw/cpu/fault.ts";
import { writeSlot } from "../../hw/cpu/msr/slots.ts";
import { BIT, BLOCKING, CR4, RIGHTS } from "../../hw/cpu/state.ts";
import { INFO, SECONDARY, TYPE } from "../../hw/cpu/vmx/controls.ts";
import { fieldOf } from "../../hw/cpu/vmx/fields.ts";
import { ENTRY_FAILURE, REASON } from "../../hw/cpu/vmx/reasons.ts";
import { REVISION } from "../../hw/cpu/vmx/vmcs.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import { CurrentVmcs, vmxOf } from "./current-vmcs.ts";
import type { Cause, Entry, Exit, Hosted, PendingEvent, Windows, X86Ops } from "./ops.ts";
import { SwappedBlock } from "./swapped.ts";
import {
  controlFields,
  hostFields,
  LAST_ENTRY,
  LEAF_BITS,
  primaryControls,
  secondaryControls,
} from "./vmx-fields.ts";
import { BLOCKED, readFields, SWAPPED, writeFields } from "./vmx-registers.ts";

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
for (const name of ["INVD", "controlRegisterAccess", "MOVDR", "XSETBV"] as const)
  CAUSES.set(REASON[name], { is: "instruction" });
for (const name of ["RDMSR", "WRMSR"] as const) CAUSES.set(REASON[name], { is: name });
/** Instructions of VMX, which a guest does not have. */
const ABSENT = [
  ...(["VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE"] as const),
  ...(["VMXOFF", "VMXON", "INVEPT", "INVVPID"] as const),
];
for (const name of ABSENT) CAUSES.set(REASON[name], { is: "undefined instruction" });

const WRITE = 2;
/** Of an exit qualification. */
const UNBLOCKED_BY_IRET = 0x1000;
/** Of IA32_DEBUGCTL, and of pending debug exceptions. */
const [BTF, BS] = [2, 0x4000];
/** Of entries of EPT. */
const [ACCESSED, DIRTY] = [0x100, 0x200];
/** IA32_VMX_PROCBASED_CTLS2: secondary controls that may be 1 are in its high half. */
const PROCBASED_CTLS2 = 0x48b;
/** Of a task switch: what has asked for it. */
const [SOURCE_SHIFT, SOURCE_IDT] = [30, 3];

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

/** IA32_FEATURE_CONTROL: the lock, and VMXON outside SMX. */
const ALLOWED = 5n;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const [IF, TF] = [BIT.RFLAGS.IF, BIT.RFLAGS.TF];
const DB = 1 << VECTORS["#DB"];

const EXCEPTION_BITMAP = fieldOf("Exception bitmap");
const PRIMARIES = fieldOf("Primary processor-based VM-execution controls");
const SECONDARIES = fieldOf("Secondary processor-based VM-execution controls");
const INJECTED = fieldOf("VM-entry interruption-information field");
const INJECTED_ERROR = fieldOf("VM-entry exception error code");
const PML_INDEX = fieldOf("PML index");
const RIP = fieldOf("Guest RIP");
const FLAGS = fieldOf("Guest RFLAGS");
const CS_RIGHTS = fieldOf("Guest CS access rights");
const GUEST_EFER = fieldOf("Guest IA32_EFER");
const DEBUGCTL = fieldOf("Guest IA32_DEBUGCTL");
const INTERRUPTIBILITY = fieldOf("Guest interruptibility state");
const PENDING_DEBUG = fieldOf("Guest pending debug exceptions");
const EXIT_REASON = fieldOf("Exit reason");
const QUALIFICATION = fieldOf("Exit qualification");
const LENGTH = fieldOf("VM-exit instruction length");
const INFORMATION = fieldOf("VM-exit interruption information");
const VECTORING = fieldOf("IDT-vectoring information field");
const VECTORING_ERROR = fieldOf("IDT-vectoring error code");
const PHYSICAL = fieldOf("Guest-physical address");

export class VmxOps implements X86Ops {
  readonly name = "vmx";
  readonly leafBits = LEAF_BITS;
  readonly accessedBit = ACCESSED;
  readonly dirtyBit = DIRTY;
  readonly logsPages: boolean;
  readonly tags = 0x1_0000;
  readonly #ram: PagedMemory;
  /** By the numbers of CPUs. */
  readonly #currents: CurrentVmcs[] = [];
  readonly #blocks: SwappedBlock[] = [];

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
    this.#currents[cpu.number] = new CurrentVmcs(vmxOf(cpu));
    this.#blocks[cpu.number] = new SwappedBlock(state);
  }

  #current({ number }: HostCpu): CurrentVmcs {
    return this.#currents[number] as CurrentVmcs;
  }

  #block({ number }: HostCpu): SwappedBlock {
    return this.#blocks[number] as SwappedBlock;
  }

  create({ control }: Hosted): void {
    this.#ram.write32(control * PAGE_SIZE, REVISION);
  }

  load(cpu: HostCpu, vcpu: Hosted, isNew: boolean): void {
    vmxOf(cpu).load(vcpu.control * PAGE_SIZE);
    if (!isNew) return;
    const current = this.#current(cpu);
    for (const [name, value] of [...controlFields(vcpu), ...hostFields(cpu)])
      current.set(fieldOf(name), value);
  }

  /** The data of the VMCS goes back to its region. */
  put(cpu: HostCpu, { control }: Hosted): void {
    vmxOf(cpu).clear(control * PAGE_SIZE);
  }

  store(cpu: HostCpu, { registers, swapped, exceptions }: Hosted): void {
    const current = this.#current(cpu);
    current.setLow(EXCEPTION_BITMAP, exceptions);
    writeFields(current, registers, cpu.state);
    SWAPPED.copy(swapped, this.#block(cpu));
  }

  fetch(cpu: HostCpu, { registers, swapped }: Hosted): void {
    SWAPPED.copy(this.#block(cpu), swapped);
    readFields(this.#current(cpu), registers);
  }

  canTake(cpu: HostCpu, { registers }: Hosted, isInHardware: boolean): Windows {
    const current = this.#current(cpu);
    const hasIf = isInHardware ? (current.low(FLAGS) & IF) !== 0 : registers.hasFlag(IF);
    const blocking = isInHardware ? current.low(INTERRUPTIBILITY) : registers.blocking;
    const isShadowed = (blocking & SHADOWS) !== 0;
    return { interrupt: hasIf && !isShadowed, nmi: (blocking & BLOCKED) === 0 };
  }

  enter(cpu: HostCpu, vcpu: Hosted, { event, flush, windows }: Entry): Exit | null {
    const current = this.#current(cpu);
    current.setLow(PRIMARIES, primaryControls(windows, (vcpu.exceptions & DB) !== 0));
    current.setLow(INJECTED, event === null ? 0 : wordOf(event));
    current.setLow(INJECTED_ERROR, event?.errorCode ?? 0);
    current.setLow(SECONDARIES, secondaryControls(vcpu));
    if (flush) {
      // INVEPT of these tables, and INVVPID of the vCPU.
      cpu.memory.invalidateTables(vcpu.root * PAGE_SIZE);
      cpu.memory.invalidateVpid(vcpu.tag, false);
    }
    announceStep(current);
    const error = vmxOf(cpu).enter();
    if (error === 0) return null;
    const cause = { is: "failed entry", reason: BigInt(error) } as const;
    return { cause, reason: error, next: 0n, vectoring: null };
  }

  exit(cpu: HostCpu): Exit {
    const current = this.#current(cpu);
    const reason = current.low(EXIT_REASON);
    const rip = current.get(RIP) + BigInt(current.low(LENGTH));
    const isWide =
      (current.low(CS_RIGHTS) & RIGHTS.long) !== 0 &&
      (current.low(GUEST_EFER) & BIT.EFER.LMA) !== 0;
    const cause = causeOf(current, reason);
    const vectoring = vectoringOf(current);
    recoverNmiBlocking(current, reason, vectoring);
    return { reason, cause, next: BigInt.asUintN(isWide ? 64 : 32, rip), vectoring };
  }

  logged(cpu: HostCpu, { log }: Hosted): readonly number[] {
    if (log === 0) return [];
    // The index is that of the next entry; behind the first comes 0xffff.
    const next = this.#current(cpu).low(PML_INDEX);
    const count = (LAST_ENTRY - next) & 0xffff;
    if (count === 0) return NO_PAGES;
    return Array.from({ length: count }, (_, i) =>
      Number(this.#ram.read64(log * PAGE_SIZE + 8 * (LAST_ENTRY - i)) / BigInt(PAGE_SIZE)),
    );
  }

  emptyLog(cpu: HostCpu): void {
    this.#current(cpu).setLow(PML_INDEX, LAST_ENTRY);
  }
}

/**
 * A guest in a shadow is entered with its trap flag only if a single step is said to be pending. It is: the shadow is that
 * of an instruction that was traced. SDM Vol. 3, "Checks on Guest Non-Register State".
 */
function announceStep(current: CurrentVmcs): void {
  const isTraced = (current.low(FLAGS) & TF) !== 0;
  if (!isTraced || (current.low(INTERRUPTIBILITY) & SHADOWS) === 0) return;
  if ((current.low(DEBUGCTL) & BTF) !== 0) return;
  current.setLow(PENDING_DEBUG, current.low(PENDING_DEBUG) | BS);
}

/**
 * An NMI that has not come to its handler blocks none, and one whose IRET has faulted still does. SDM Vol. 3,
 * "Saving Non-Register State", "Information About NMI Unblocking Due to IRET".
 */
function recoverNmiBlocking(
  current: CurrentVmcs,
  reason: number,
  vectoring: PendingEvent | null,
): void {
  const state = current.low(INTERRUPTIBILITY);
  if (vectoring?.type === "NMI") current.setLow(INTERRUPTIBILITY, state & ~BLOCKING.nmi);
  else if (vectoring === null && saysUnblocked(current, reason))
    current.setLow(INTERRUPTIBILITY, state | BLOCKING.nmi);
}

function saysUnblocked(current: CurrentVmcs, reason: number): boolean {
  if (reason === REASON.eptViolation || reason === REASON.pageModificationLogFull)
    return (current.low(QUALIFICATION) & UNBLOCKED_BY_IRET) !== 0;
  if (reason !== REASON.exceptionOrNmi) return false;
  const information = current.low(INFORMATION);
  const isDoubleFault = (information & INFO.vector) === VECTORS["#DF"];
  return !isDoubleFault && (information & INFO.nmiUnblocking) !== 0;
}

function causeOf(current: CurrentVmcs, reason: number): Cause {
  if ((reason & ENTRY_FAILURE) !== 0) return { is: "failed entry", reason: BigInt(reason) };
  const qualification = current.low(QUALIFICATION);
  if (reason === REASON.exceptionOrNmi) return exceptionOf(current, qualification);
  if (reason === REASON.eptViolation) {
    const address = Number(current.get(PHYSICAL));
    return { is: "memory", address, write: (qualification & WRITE) !== 0 };
  }
  if (reason === REASON.ioInstruction) return portOf(qualification);
  if (reason !== REASON.taskSwitch) return CAUSES.get(reason) ?? { is: "unknown" };
  const byEvent = qualification >>> SOURCE_SHIFT === SOURCE_IDT;
  return { is: byEvent ? "unknown" : "instruction" };
}

/** SDM Vol. 3, "Exit Qualification for I/O Instructions". */
const PORT = { size: 7, input: 8, string: 16, shift: 16 } as const;

function portOf(qualification: number): Cause {
  if ((qualification & PORT.string) !== 0) return { is: "instruction" };
  const size = ((qualification & PORT.size) + 1) as AccessSize;
  const input = (qualification & PORT.input) !== 0;
  return { is: "port", port: qualification >>> PORT.shift, size, input };
}

function exceptionOf(current: CurrentVmcs, debug: number): Cause {
  const information = current.low(INFORMATION);
  if ((information & INFO.type) >> 8 === TYPE.nmi) return { is: "interrupt" };
  return { is: "exception", vector: information & INFO.vector, debug };
}

const wordOf = ({ type, vector, errorCode }: PendingEvent): number =>
  INFO.valid | (TYPES[type] << 8) | vector | (errorCode === null ? 0 : INFO.deliverErrorCode);

function vectoringOf(current: CurrentVmcs): PendingEvent | null {
  const word = current.low(VECTORING);
  const type = NAMES[(word & INFO.type) >> 8];
  if ((word & INFO.valid) === 0 || type === undefined) return null;
  const hasErrorCode = (word & INFO.deliverErrorCode) !== 0;
  const errorCode = hasErrorCode ? current.low(VECTORING_ERROR) : null;
  return { type, vector: word & INFO.vector, errorCode };
}

const NO_PAGES: readonly number[] = [];
