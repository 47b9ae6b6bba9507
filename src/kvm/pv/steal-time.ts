/**
 * Time that a vCPU could have run and did not, told to the guest with whether it runs: Linux,
 * Documentation/virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME. What other vCPUs leave there while it does not run is
 * looked at before it runs again: so they need not interrupt it to have its translations flushed.
 */

import type { Vcpu } from "../vcpu.ts";
import { FEATURE, hasFeature } from "./features.ts";
import { changeGuest, nextVersion } from "./guest-area.ts";

/** struct kvm_steal_time. */
const STEAL_TIME = { size: 64, steal: 0, version: 8, preempted: 16 };
/** KVM_VCPU_PREEMPTED, KVM_VCPU_FLUSH_TLB. */
const [PREEMPTED, FLUSH_TLB] = [1, 2];
const ENABLED = 1n;
const RESERVED = 0x3en;

/** False is #GP(0). */
export function writeStealTime({ state: { pv } }: Vcpu, value: bigint): boolean {
  if ((value & RESERVED) !== 0n) return false;
  pv.stealTime = value;
  pv.isStealDue = true;
  return true;
}

function change(vcpu: Vcpu, how: (view: DataView) => void): void {
  const { stealTime } = vcpu.state.pv;
  if ((stealTime & ENABLED) === 0n) return;
  changeGuest(vcpu.vm, stealTime & ~ENABLED, STEAL_TIME.size, how);
}

/** Before an entry. */
export function recordSteal(vcpu: Vcpu): void {
  const { state, vm } = vcpu;
  const { pv } = state;
  if (!pv.isStealDue) return;
  pv.isStealDue = false;
  change(vcpu, (view) => {
    const flushes = (view.getUint8(STEAL_TIME.preempted) & FLUSH_TLB) !== 0;
    if (flushes && hasFeature(vcpu, FEATURE.PV_TLB_FLUSH)) state.isStale = true;
    view.setUint8(STEAL_TIME.preempted, 0);
    const delay = vm.kvm.host.scheduler.runDelay(state.runner);
    const steal = view.getBigUint64(STEAL_TIME.steal, true) + BigInt(delay - pv.lastDelay);
    pv.lastDelay = delay;
    const version = view.getUint32(STEAL_TIME.version, true);
    view.setUint32(STEAL_TIME.version, nextVersion(version), true);
    view.setBigUint64(STEAL_TIME.steal, steal, true);
  });
}

/** Its CPU is another's now. */
export function markPreempted(vcpu: Vcpu): void {
  change(vcpu, (view) => view.setUint8(STEAL_TIME.preempted, PREEMPTED));
}
