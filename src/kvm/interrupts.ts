/**
 * What a vCPU is given before it is entered: INIT and startup, and of NMIs and interrupts the one that it can take.
 * Linux, arch/x86/kvm/x86.c, kvm_check_and_inject_events; SDM Vol. 3, "Priority Among Concurrent Events".
 */

import { initialize, startUp } from "../hw/cpu/start.ts";
import { BIT, BLOCKING, PENDING } from "../hw/cpu/state.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import { blocksInterrupts } from "./guest-debug.ts";
import { pvAfterInit } from "./pv/state.ts";
import { MP_STATE, type Vcpu } from "./vcpu.ts";
import type { Windows } from "./x86/ops.ts";

const NMI_VECTOR = 2;
const NO_WINDOWS: Windows = { interrupt: false, nmi: false };

/** What has to be told when the guest can take it; null: the vCPU has nothing to do but to wait. */
export function takeEvents(vcpu: Vcpu, cpu: HostCpu): Windows | null {
  acceptArrivals(vcpu, cpu);
  const { state } = vcpu;
  if (state.mpState === MP_STATE.halted && wakes(vcpu)) {
    state.mpState = MP_STATE.runnable;
    state.pv.isKicked = false;
  }
  return state.mpState === MP_STATE.runnable ? inject(vcpu, cpu) : null;
}

/** Whether a halted vCPU has an event that ends its wait. */
function wakes({ registers, state, vm, index }: Vcpu): boolean {
  if (state.pv.isKicked) return true;
  if ((registers.pending & PENDING.nmi) !== 0 && (registers.blocking & BLOCKING.nmi) === 0)
    return true;
  return registers.hasFlag(BIT.RFLAGS.IF) && vm.irqchip?.isAsserted(index) === true;
}

/** SDM Vol. 3, "MP Initialization Protocol Algorithm": after INIT all but the first wait for a startup IPI. */
export function acceptArrivals(vcpu: Vcpu, cpu: HostCpu): void {
  const { registers, state, environment } = vcpu;
  if ((registers.pending & (PENDING.init | PENDING.sipi)) === 0) return;
  vcpu.toRegisters(cpu);
  if ((registers.pending & PENDING.init) !== 0) {
    initialize(registers, environment.profile.signature);
    state.pending = null;
    state.pv = pvAfterInit(state.pv);
    state.mpState = environment.bootstrap ? MP_STATE.runnable : MP_STATE.initReceived;
    vcpu.flush();
  }
  if ((registers.pending & PENDING.sipi) === 0) return;
  const vector = (registers.pending >> 8) & 0xff;
  registers.pending &= PENDING.nmi;
  if (state.mpState !== MP_STATE.initReceived) return;
  startUp(registers, vector);
  state.mpState = MP_STATE.runnable;
}

function inject(vcpu: Vcpu, cpu: HostCpu): Windows {
  const { registers, state, vm, index } = vcpu;
  if (blocksInterrupts(state.guestDebug)) return NO_WINDOWS;
  const hasInterrupt = (): boolean => vm.irqchip?.isAsserted(index) === true;
  const hasNmi = (): boolean => (registers.pending & PENDING.nmi) !== 0;
  if (state.pending === null && (hasNmi() || hasInterrupt())) {
    const can = vm.kvm.ops.canTake(cpu, vcpu, state.isInHardware);
    if (hasNmi() && can.nmi) {
      registers.pending &= ~PENDING.nmi;
      state.pending = { type: "NMI", vector: NMI_VECTOR, errorCode: null };
    } else if (hasInterrupt() && can.interrupt) {
      const vector = vm.irqchip?.acknowledge(index) ?? 0;
      state.pending = { type: "interrupt", vector, errorCode: null };
    }
  }
  return { nmi: hasNmi(), interrupt: hasInterrupt() };
}
