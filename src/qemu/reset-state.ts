/** What KVM has of a machine as it was made, to be set again at a reset. QEMU, target/i386/cpu.c, x86_cpu_reset_hold. */

import { IRQCHIP } from "../kvm/ioctls/structures.ts";
import type { KernelDescriptors } from "./kernel-chips.ts";
import type { KvmCalls } from "./kvm-calls.ts";

/** Restores it, in this order. */
type Restore = readonly (() => void)[];

export class ResetState {
  readonly #restore: Restore;

  /** `device` is /dev/kvm. */
  constructor(calls: KvmCalls, device: number, { vm, vcpus }: KernelDescriptors) {
    const pit = calls.call(vm, "KVM_GET_PIT2", null);
    const chips = Object.values(IRQCHIP).map((id) =>
      calls.call(vm, "KVM_GET_IRQCHIP", { chip_id: id, chip: NOTHING }),
    );
    const msrs = calls
      .call(device, "KVM_GET_MSR_INDEX_LIST", MSR_ROOM)
      .filter((index) => !COUNTERS.includes(index));
    this.#restore = [
      () => calls.call(vm, "KVM_SET_PIT2", pit),
      ...chips.map((chip) => () => calls.call(vm, "KVM_SET_IRQCHIP", chip)),
      ...vcpus.flatMap((vcpu) => vcpuState(calls, vcpu, msrs)),
    ];
  }

  restore(): void {
    for (const restore of this.#restore) restore();
  }
}

const NOTHING: readonly number[] = Array.from({ length: 512 }, () => 0);
const MSR_ROOM: readonly number[] = Array.from({ length: 256 }, () => 0);
/** IA32_TIME_STAMP_COUNTER and IA32_TSC_ADJUST: time goes on. */
const COUNTERS: readonly number[] = [0x10, 0x3b];

function vcpuState(calls: KvmCalls, vcpu: number, msrs: readonly number[]): Restore {
  const sregs = calls.call(vcpu, "KVM_GET_SREGS", null);
  const regs = calls.call(vcpu, "KVM_GET_REGS", null);
  const xcrs = calls.call(vcpu, "KVM_GET_XCRS", null);
  const xsave = calls.call(vcpu, "KVM_GET_XSAVE", null);
  const debug = calls.call(vcpu, "KVM_GET_DEBUGREGS", null);
  const apic = calls.call(vcpu, "KVM_GET_LAPIC", null);
  const state = calls.call(vcpu, "KVM_GET_MP_STATE", null);
  const values = msrs.flatMap((index) => calls.call(vcpu, "KVM_GET_MSRS", [{ index, data: 0n }]));
  return [
    () => calls.call(vcpu, "KVM_SET_SREGS", sregs),
    () => calls.call(vcpu, "KVM_SET_REGS", regs),
    () => calls.call(vcpu, "KVM_SET_XCRS", xcrs),
    () => calls.call(vcpu, "KVM_SET_XSAVE", xsave),
    () => calls.call(vcpu, "KVM_SET_DEBUGREGS", debug),
    ...values.map((msr) => () => calls.call(vcpu, "KVM_SET_MSRS", [msr])),
    () => calls.call(vcpu, "KVM_SET_LAPIC", apic),
    () => calls.call(vcpu, "KVM_SET_MP_STATE", state),
  ];
}
