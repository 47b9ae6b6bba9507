/**
 * What happens at an instruction boundary of a guest: SDM Vol. 3, "Event Blocking", "Other Causes of VM Exits", "Monitor
 * Trap Flag", "Window Exiting", in the order of "Priority Among Concurrent Events" and of those sections.
 */

import type { Environment } from "../environment.ts";
import { BIT, ACTIVITY, BLOCKING, type CpuState, PENDING } from "../state.ts";
import type { Boundary, Decision } from "../virtualization.ts";
import type { Controls } from "./check.ts";
import { EXIT, INFO, PIN, PRIMARY, TYPE } from "./controls.ts";
import { eventOf, type VmxExit } from "./exit-information.ts";
import { REASON } from "./reasons.ts";
import { FLAG, type Vmcs } from "./vmcs.ts";

const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const NMI_VECTOR = 2;

const exitFor = (exit: VmxExit): Decision => ({ is: "VM exit", exit });

const MONITOR_TRAP = exitFor({ reason: REASON.monitorTrapFlag });
const TPR_BELOW_THRESHOLD = exitFor({ reason: REASON.tprBelowThreshold });
const TIMER = exitFor({ reason: REASON.preemptionTimerExpired });
const NMI_WINDOW = exitFor({ reason: REASON.nmiWindow });
const INTERRUPT_WINDOW = exitFor({ reason: REASON.interruptWindow });
const NMI_EXIT = exitFor({
  reason: REASON.exceptionOrNmi,
  interruption: (INFO.valid | (TYPE.nmi << 8) | NMI_VECTOR) >>> 0,
});

export interface Deciding {
  readonly state: CpuState;
  readonly vmcs: Vmcs;
  readonly controls: Controls;
  readonly environment: Environment;
}

export function decideBoundary(of: Deciding, boundary: Boundary): Decision | null {
  const { vmcs, state } = of;
  if (vmcs.injection !== 0) return inject(of);
  if ((vmcs.flags & FLAG.tprBelowThreshold) !== 0) return TPR_BELOW_THRESHOLD;
  if ((vmcs.flags & FLAG.monitorTrap) !== 0) return MONITOR_TRAP;
  const { activity } = state;
  if (activity === ACTIVITY.waitForSipi) return null;
  const decision =
    (boundary.debug !== 0 && activity !== ACTIVITY.shutdown ? DEBUG_TRAP : null) ??
    (state.cycles >= vmcs.deadline ? TIMER : null) ??
    nonMaskable(of, boundary) ??
    (activity === ACTIVITY.shutdown ? null : maskable(of, boundary));
  return decision === null ? null : trapped(of, decision);
}

const DEBUG_TRAP: Decision = { is: "debug trap" };
const NMI: Decision = { is: "NMI" };
const EXTERNAL_INTERRUPT: Decision = { is: "external interrupt" };

/** With the monitor trap flag, an exit follows the delivery of an event too. */
function trapped({ vmcs, controls }: Deciding, decision: Decision): Decision {
  const isDelivered = decision.is !== "VM exit";
  if (isDelivered && (controls.primary & PRIMARY.monitorTrapFlag) !== 0)
    vmcs.flags |= FLAG.monitorTrap;
  return decision;
}

function inject(of: Deciding): Decision {
  const { vmcs, state } = of;
  const { injection, injectionError, injectionLength } = vmcs;
  vmcs.setInjection(0, 0, 0);
  if ((injection & INFO.type) >> 8 === TYPE.otherEvent) return MONITOR_TRAP;
  state.activity = ACTIVITY.active;
  const event = eventOf(injection, injectionError, injectionLength, state.rip);
  return trapped(of, { is: "injection", event });
}

/** Whether the guest is to be left, or interrupted, for an NMI or because it could take one. */
function nonMaskable({ state, controls }: Deciding, { isNmiPending }: Boundary): Decision | null {
  const { pin, primary } = controls;
  const isShadowed = (state.blocking & SHADOWS) !== 0;
  const isBlocked = (state.blocking & BLOCKING.nmi) !== 0;
  if ((primary & PRIMARY.nmiWindowExiting) !== 0 && !isBlocked && !isShadowed) return NMI_WINDOW;
  if (!isNmiPending || isShadowed) return null;
  if ((pin & PIN.nmiExiting) === 0) return isBlocked ? null : NMI;
  // With virtual NMIs the blocking is that of virtual ones.
  if (isBlocked && (pin & PIN.virtualNmis) === 0) return null;
  state.pending &= ~PENDING.nmi;
  return NMI_EXIT;
}

function maskable(of: Deciding, { isInterruptAsserted }: Boundary): Decision | null {
  const { state, controls, environment } = of;
  const { pin, primary, exit } = controls;
  const isShadowed = (state.blocking & SHADOWS) !== 0;
  const isOpen = state.hasFlag(BIT.RFLAGS.IF) && !isShadowed;
  if ((primary & PRIMARY.interruptWindowExiting) !== 0 && isOpen) return INTERRUPT_WINDOW;
  if (!isInterruptAsserted) return null;
  if ((pin & PIN.externalInterruptExiting) === 0) return isOpen ? EXTERNAL_INTERRUPT : null;
  if (isShadowed) return null;
  if ((exit & EXIT.acknowledgeInterruptOnExit) === 0)
    return exitFor({ reason: REASON.externalInterrupt });
  const vector = environment.acknowledgeInterrupt();
  return exitFor({
    reason: REASON.externalInterrupt,
    interruption: (INFO.valid | (TYPE.externalInterrupt << 8) | vector) >>> 0,
  });
}
