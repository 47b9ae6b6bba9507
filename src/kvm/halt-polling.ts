/**
 * A halted vCPU looks for events for a while before its thread sleeps, for as long as that has been of use: Linux,
 * Documentation/virt/kvm/halt-polling.rst; virt/kvm/kvm_main.c, kvm_vcpu_halt. Not modelled: statistics, and that
 * polling ends early where another thread wants the CPU, which here only interrupts it.
 */

import type { HostCpu } from "../linux/host-cpu.ts";
import type { Caller } from "./ioctls/ioctl.ts";
import { MP_STATE, type Vcpu } from "./vcpu.ts";

/** halt_poll_ns_grow, halt_poll_ns_grow_start, halt_poll_ns_shrink. */
const [GROW, GROW_START, SHRINK] = [2, 10_000, 2];

export interface HaltState {
  /** Since when it is halted, by its CPU's clock; null while it is not. */
  since: number | null;
  /** How long it looks before it sleeps. */
  pollNs: number;
}

/** There is nothing for it to do: true if time was passed with looking, false if it is to sleep. */
export function polls(vcpu: Vcpu, { cpu, limit }: Caller): boolean {
  const { state, vm } = vcpu;
  if (vm.kvm.haltPollNs === 0 || state.mpState !== MP_STATE.halted) return false;
  const { halt } = state;
  const { cycles } = cpu.state;
  halt.since ??= cycles;
  const end = halt.since + halt.pollNs;
  if (cycles >= end) return false;
  cpu.state.cycles = Math.max(cycles, Math.min(end, limit));
  cpu.tick();
  return true;
}

/** It has something to do again. */
export function endHalt({ state: { halt }, vm }: Vcpu, cpu: HostCpu): void {
  if (halt.since === null) return;
  halt.pollNs = nextPollNs(halt.pollNs, cpu.state.cycles - halt.since, vm.kvm.haltPollNs);
  halt.since = null;
}

/** How long it looks the next time, after a halt of `haltNs`: grow_halt_poll_ns, shrink_halt_poll_ns. */
export function nextPollNs(pollNs: number, haltNs: number, most: number): number {
  if (haltNs <= pollNs) return pollNs;
  if (pollNs > 0 && haltNs > most) {
    const less = Math.floor(pollNs / SHRINK);
    return less < GROW_START ? 0 : less;
  }
  if (pollNs < most && haltNs < most) return Math.min(most, Math.max(GROW_START, pollNs * GROW));
  return pollNs;
}
