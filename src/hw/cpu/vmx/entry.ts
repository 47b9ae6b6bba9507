/** VM entries: SDM Vol. 3, "VM Entries". Checks in the manual's order, then the guest's state, MSRs and the event to inject. */

import { EVENT_CYCLES } from "../cycles.ts";
import { isLongMode } from "../mode.ts";
import { type Check, type Entering, firstFailure, valueOf } from "./check.ts";
import { CONTROL_CHECKS, INJECTION_CHECKS, TPR_CHECKS } from "./control-checks.ts";
import { INFO, PRIMARY, SECONDARY, TYPE } from "./controls.ts";
import { ENTRY_LOAD, failEntry, type Transition, transferMsrs } from "./exit.ts";
import { fieldOf, wordOf } from "./fields.ts";
import {
  GUEST_INSTRUCTION_CHECKS,
  GUEST_REGISTER_CHECKS,
  GUEST_TABLE_CHECKS,
} from "./guest-checks.ts";
import { HOST_CHECKS } from "./host-checks.ts";
import { loadMsrs } from "./msr-areas.ts";
import {
  LINK_CHECKS,
  NON_REGISTER_CHECKS,
  PDPTE_CHECKS,
  usesPdptes,
} from "./non-register-checks.ts";
import { INSTRUCTION_ERROR, REASON } from "./reasons.ts";
import {
  NON_REGISTER_WORDS,
  REGISTER_WORDS,
  RememberedChecks,
  type RememberedGroup,
  SEGMENT_WORDS,
  TABLE_WORDS,
  wordsOfGroups,
} from "./remembered-checks.ts";
import { SEGMENT_CHECKS } from "./segment-checks.ts";
import { BEHIND_IMAGE } from "./state-transfer.ts";

const GROUPS: readonly RememberedGroup[] = [
  { checks: GUEST_REGISTER_CHECKS, looked: REGISTER_WORDS },
  { checks: SEGMENT_CHECKS, looked: SEGMENT_WORDS },
  { checks: GUEST_TABLE_CHECKS, looked: TABLE_WORDS },
  { checks: NON_REGISTER_CHECKS, looked: NON_REGISTER_WORDS },
];
const WORDS = wordsOfGroups(GROUPS, BEHIND_IMAGE);

/** The checks on the guest-state area, in the manual's order. */
export class GuestChecks {
  readonly #registers: readonly RememberedChecks[];
  readonly #nonRegisters: readonly RememberedChecks[];

  /** `data`: where the VMCS data lies in linear memory. */
  constructor(wasm: WebAssembly.Memory, data: number) {
    const groups = GROUPS.map(
      ({ checks }, i) => new RememberedChecks(checks, (WORDS[i] as (typeof WORDS)[0])(wasm), data),
    );
    this.#registers = groups.slice(0, -1);
    this.#nonRegisters = groups.slice(-1);
  }

  firstFailure(entering: Entering): Check | null {
    return (
      firstOf(this.#registers, entering) ??
      firstFailure(GUEST_INSTRUCTION_CHECKS, entering) ??
      firstOf(this.#nonRegisters, entering) ??
      firstFailure(LINK_CHECKS, entering)
    );
  }
}

function firstOf(groups: readonly RememberedChecks[], entering: Entering): Check | null {
  for (const group of groups) {
    const failed = group.firstFailure(entering);
    if (failed !== null) return failed;
  }
  return null;
}

const INFORMATION = wordOf("VM-entry interruption-information field");
const ERROR_CODE = wordOf("VM-entry exception error code");
const LENGTH = wordOf("VM-entry instruction length");
const CR3 = fieldOf("Guest CR3");

export interface Entry extends Transition {
  readonly guestChecks: GuestChecks;
}

/** From the checks on: an error number of VMfailValid, or 0 when the guest runs, or the exit of a failed entry has been made. */
export function enterGuest(of: Entry): number {
  const { vmcs, environment, physical, state } = of;
  const entering: Entering = {
    vmcs,
    words: vmcs.words,
    profile: environment.profile,
    memory: physical,
    controls: of.controls.atEntry(),
    isLongMode: isLongMode(state),
  };
  const error = checkFields(of, entering);
  if (error !== 0) return error;
  const since = state.cycles;
  state.cycles += EVENT_CYCLES.vmEntry;
  const failed = of.guestChecks.firstFailure(entering) ?? pdpteFailure(of, entering);
  if (failed === null) {
    load(of, entering, since);
    return 0;
  }
  explain(of, entering, "VM-entry failure due to invalid guest state", failed);
  failEntry(of, REASON.entryFailureGuestState, failed.qualification ?? 0);
  return 0;
}

function checkFields(of: Transition, entering: Entering): number {
  const isChecked = of.controls.checkedIn === entering.isLongMode;
  const isInjecting = ((entering.words[INFORMATION] as number) & INFO.valid) !== 0;
  const usesTpr = (entering.controls.primary & PRIMARY.useTprShadow) !== 0;
  const control =
    (isChecked ? null : firstFailure(CONTROL_CHECKS, entering)) ??
    (usesTpr ? firstFailure(TPR_CHECKS, entering) : null) ??
    (isInjecting ? firstFailure(INJECTION_CHECKS, entering) : null);
  if (control !== null) {
    explain(of, entering, "VM entry with invalid control field(s)", control);
    return INSTRUCTION_ERROR.entryControlFields;
  }
  const host = isChecked ? null : firstFailure(HOST_CHECKS, entering);
  if (host !== null) {
    explain(of, entering, "VM entry with invalid host-state field(s)", host);
    return INSTRUCTION_ERROR.entryHostState;
  }
  of.controls.checkedIn = entering.isLongMode;
  return 0;
}

function explain(
  { environment }: Transition,
  entering: Entering,
  outcome: string,
  { name, field, section }: Check,
): void {
  environment.explain({
    outcome,
    check: name,
    field,
    value: valueOf(entering, field),
    section: `SDM Vol. 3, "${section}"`,
  });
}

/** With EPT the PDPTEs of PAE paging are fields; without it they come from memory. */
function pdpteFailure({ memory, vmcs }: Transition, entering: Entering): Check | null {
  if (!usesPdptes(entering)) return null;
  if ((entering.controls.secondary & SECONDARY.enableEpt) !== 0)
    return firstFailure(PDPTE_CHECKS, entering);
  return memory.loadPdptes(vmcs.read(CR3)) === null ? null : (PDPTE_CHECKS[0] ?? null);
}

function load(of: Transition, entering: Entering, since: number): void {
  const { state, vmcs, memory, transfer } = of;
  const { controls, words } = entering;
  transfer.loadGuest(controls, usesPdptes(entering));
  const failed = transferMsrs(of, loadMsrs, ENTRY_LOAD);
  if (failed !== 0) {
    explainMsr(of, failed);
    failEntry(of, REASON.entryFailureMsrLoading, failed);
    return;
  }
  const information = words[INFORMATION] as number;
  const isInjecting = (information & INFO.valid) !== 0;
  const { primary, secondary } = controls;
  const moves = (primary & PRIMARY.useTscOffsetting) !== 0;
  transfer.loadEvents(controls, {
    isVectoring: isInjecting && (information & INFO.type) >> 8 !== TYPE.otherEvent,
    moves,
    scales: moves && (secondary & SECONDARY.useTscScaling) !== 0,
    since,
  });
  vmcs.flags = 0;
  vmcs.lastPause = -Infinity;
  vmcs.setInjection(
    isInjecting ? information : 0,
    words[ERROR_CODE] as number,
    words[LENGTH] as number,
  );
  vmcs.isLaunched = true;
  state.isGuest = true;
  if ((secondary & SECONDARY.enableVpid) === 0) memory.invalidateVpid(0, false);
  const { vpid, ept } = of.controls.now;
  memory.enter("guest", vpid, ept);
}

function explainMsr({ environment }: Transition, entry: number): void {
  environment.explain({
    outcome: "VM-entry failure due to MSR loading",
    check: "an entry of the VM-entry MSR-load area",
    field: "number of the entry",
    value: BigInt(entry),
    section: 'SDM Vol. 3, "Loading MSRs"',
  });
}
