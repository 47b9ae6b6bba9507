/** VM exits: SDM Vol. 3, "VM Exits". What is recorded, the guest's state saved, the host's loaded. */

import { EVENT_CYCLES } from "../cycles.ts";
import type { Environment } from "../environment.ts";
import { VECTORS } from "../fault.ts";
import type { MsrAccess } from "../msr/msr.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import { BIT, ACTIVITY, BLOCKING, type CpuState } from "../state.ts";
import type { Raised } from "../transfer/deliver.ts";
import type { TranslatedMemory } from "../translated-memory.ts";
import type { Virtualization } from "../virtualization.ts";
import type { Controls } from "./check.ts";
import { EXIT, INFO, PIN, SECONDARY, TYPE } from "./controls.ts";
import type { CurrentControls } from "./current-controls.ts";
import { informationOf, isSoftware, type VmxExit } from "./exit-information.ts";
import { type FieldName, wordOf } from "./fields.ts";
import { loadMsrs, storeMsrs } from "./msr-areas.ts";
import { ABORT, ENTRY_FAILURE, REASON } from "./reasons.ts";
import type { StateTransfer } from "./state-transfer.ts";
import type { Vmcs } from "./vmcs.ts";

const INFORMATION = wordOf("VM-entry interruption-information field");
const REASON_AT = wordOf("Exit reason");
const QUALIFICATION_AT = wordOf("Exit qualification");
const EXIT_INFORMATION = wordOf("VM-exit interruption information");
const EXIT_ERROR = wordOf("VM-exit interruption error code");
const VECTORING = wordOf("IDT-vectoring information field");
const VECTORING_ERROR = wordOf("IDT-vectoring error code");
const EXIT_LENGTH = wordOf("VM-exit instruction length");
const EXIT_INSTRUCTION = wordOf("VM-exit instruction information");
const LINEAR = wordOf("Guest-linear address");
const PHYSICAL = wordOf("Guest-physical address");
const FLAGS = wordOf("Guest RFLAGS");

const RF = 0x1_0000;
const UNBLOCKED_BY_IRET = 1n << 12n;

/** Exits that leave debug exceptions pending. */
const keepsDebug = (reason: number): boolean =>
  reason === REASON.initSignal ||
  reason === REASON.tprBelowThreshold ||
  reason === REASON.monitorTrapFlag;

/** An MSR area: the words of its address and of its count. */
type Area = readonly [address: number, count: number];
const area = (address: FieldName, count: FieldName): Area => [wordOf(address), wordOf(count)];
export const ENTRY_LOAD = area("VM-entry MSR-load address", "VM-entry MSR-load count");
const EXIT_STORE = area("VM-exit MSR-store address", "VM-exit MSR-store count");
const EXIT_LOAD = area("VM-exit MSR-load address", "VM-exit MSR-load count");

export interface Transition {
  readonly state: CpuState;
  readonly vmcs: Vmcs;
  readonly controls: CurrentControls;
  readonly transfer: StateTransfer;
  readonly memory: TranslatedMemory;
  readonly physical: PhysicalMemory;
  readonly environment: Environment;
  readonly virtualization: Virtualization;
}

/** Loads or stores the MSRs of an area; the number of the entry that failed, or 0. */
export function transferMsrs(of: Transition, transfer: typeof loadMsrs, [at, count]: Area): number {
  const { state, vmcs } = of;
  const entries = vmcs.words[count] as number;
  if (entries === 0) return 0;
  state.cycles += EVENT_CYCLES.msrTransfer * Math.min(entries, MOST_PAID);
  const access: MsrAccess = of;
  return transfer(access, of.physical, vmcs.address(at), entries);
}
const MOST_PAID = 512;

/** RF is saved as set for exits that are like faults; but while an event is delivered, as the event would save it. */
function resumes({ reason, resume = false }: VmxExit, during: Raised | null): boolean {
  const isOfEvent = during !== null && reason !== REASON.exceptionOrNmi;
  return isOfEvent ? during.resume : resume || during?.resume === true;
}

/** The guest's state goes to the VMCS, the host's comes from it. `unblocked`: an IRET has ended the blocking of NMIs. */
export function exitGuest(
  of: Transition,
  exit: VmxExit,
  during: Raised | null,
  unblocked: boolean,
): void {
  const { state, vmcs } = of;
  const { controls } = of.controls.now;
  record(of, exit, during, unblocked);
  if (during?.type === "NMI") state.blocking |= BLOCKING.nmi;
  const isHeldBack = (state.blocking & BLOCKING.movSs) !== 0 && !isDebug(exit);
  of.transfer.saveGuest(controls, keepsDebug(exit.reason) || isHeldBack);
  if (resumes(exit, during)) vmcs.words[FLAGS] = (vmcs.words[FLAGS] as number) | RF;
  vmcs.flags = 0;
  vmcs.setInjection(0, 0, 0);
  state.isGuest = false;
  state.cycles += cyclesOf(exit);
  if (transferMsrs(of, storeMsrs, EXIT_STORE) !== 0) {
    abort(of, ABORT.savingMsrs);
    return;
  }
  const isVirtual = (controls.pin & PIN.virtualNmis) !== 0;
  const kept = isVirtual ? 0 : state.blocking & BLOCKING.nmi;
  loadHost(of, isNmi(exit) ? BLOCKING.nmi : kept);
}

/** SDM Vol. 3, "VM-Entry Failures During or After Loading Guest State". */
export function failEntry(of: Transition, reason: number, qualification: number): void {
  const { words } = of.vmcs;
  words[REASON_AT] = (reason | ENTRY_FAILURE) >>> 0;
  words[QUALIFICATION_AT] = qualification;
  words[QUALIFICATION_AT + 1] = 0;
  loadHost(of, of.state.blocking & BLOCKING.nmi);
}

function record(
  { state, vmcs }: Transition,
  exit: VmxExit,
  during: Raised | null,
  unblocked: boolean,
): void {
  const { words, data } = vmcs;
  const isProtected = state.has("CR0", BIT.CR0.PE);
  const { interruption = 0, qualification = 0n } = exit;
  const saysUnblocked = unblocked && during === null;
  words[REASON_AT] = exit.reason;
  const inInformation = saysUnblocked && interruption !== 0 && !isNmi(exit);
  words[EXIT_INFORMATION] = interruption | (inInformation ? INFO.nmiUnblocking : 0);
  words[EXIT_ERROR] = exit.errorCode ?? 0;
  const inQualification = saysUnblocked && isOfTranslation(exit.reason);
  const whole = inQualification ? qualification | UNBLOCKED_BY_IRET : qualification;
  data.setBigUint64(QUALIFICATION_AT << 2, whole, true);
  words[VECTORING] = during === null ? 0 : informationOf(during, isProtected);
  words[VECTORING_ERROR] = during?.errorCode ?? 0;
  const ofEvent = during !== null && isSoftware(during) ? during.instructionLength : 0;
  words[EXIT_LENGTH] = exit.instructionLength ?? ofEvent;
  words[EXIT_INSTRUCTION] = exit.instructionInformation ?? 0;
  if (exit.linear !== undefined) data.setBigUint64(LINEAR << 2, exit.linear, true);
  if (exit.physical !== undefined) vmcs.setAddress(PHYSICAL, exit.physical);
  words[INFORMATION] = (words[INFORMATION] as number) & ~INFO.valid;
}

function loadHost(of: Transition, blocking: number): void {
  const { state, memory } = of;
  const { controls } = of.controls.now;
  of.transfer.loadHost(controls);
  state.blocking = blocking;
  state.isGuest = false;
  if ((controls.secondary & SECONDARY.enableVpid) === 0) memory.invalidateVpid(0, false);
  memory.enter("host", 0, null);
  if (!loadHostPdptes(of, controls)) abort(of, ABORT.hostPdptes);
  else if (transferMsrs(of, loadMsrs, EXIT_LOAD) !== 0) abort(of, ABORT.loadingMsrs);
}

function loadHostPdptes({ state, memory }: Transition, { exit }: Controls): boolean {
  if ((exit & EXIT.hostAddressSpaceSize) !== 0 || !state.has("CR4", BIT.CR4.PAE)) return true;
  if (memory.loadPdptes(state.control("CR3")) !== null) return false;
  memory.contextChanged();
  return true;
}

/** SDM Vol. 3, "VMX Aborts": shutdown, which only RESET ends. */
function abort({ vmcs, state }: Transition, indicator: number): void {
  vmcs.abort(indicator);
  state.activity = ACTIVITY.shutdown;
}

function cyclesOf({ reason, instructionLength }: VmxExit): number {
  if (isOfTranslation(reason)) return EVENT_CYCLES.nestedPageFault;
  return instructionLength === undefined ? EVENT_CYCLES.eventExit : EVENT_CYCLES.instructionExit;
}

/** Compared one by one: a set is asked through its hash, at each exit. */
const isOfTranslation = (reason: number): boolean =>
  reason === REASON.eptViolation ||
  reason === REASON.eptMisconfiguration ||
  reason === REASON.pageModificationLogFull;

const isNmi = ({ interruption = 0 }: VmxExit): boolean =>
  (interruption & INFO.valid) !== 0 && (interruption & INFO.type) >> 8 === TYPE.nmi;

const isDebug = ({ reason, interruption = 0 }: VmxExit): boolean =>
  reason === REASON.exceptionOrNmi && (interruption & INFO.vector) === VECTORS["#DB"];
