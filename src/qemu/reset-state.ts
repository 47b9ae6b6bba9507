/** What KVM has of a machine as it was made, to be set again at a reset. QEMU, target/i386/cpu.c, x86_cpu_reset_hold. */

import { IRQCHIP } from "../kvm/ioctls/structures.ts";
import type { KernelDescriptors } from "./kernel-chips.ts";
import type { KvmCalls } from "./kvm-calls.ts";

export class ResetState {
  readonly #restore: readonly (() => void)[];

  constructor(calls: KvmCalls, { vm, vcpus }: KernelDescriptors) {
    const pit = calls.call(vm, "KVM_GET_PIT2", null);
    const chips = Object.values(IRQCHIP).map((id) =>
      calls.call(vm, "KVM_GET_IRQCHIP", { chip_id: id, chip: NOTHING }),
    );
    this.#restore = [
      () => calls.call(vm, "KVM_SET_PIT2", pit),
      ...chips.map((chip) => () => calls.call(vm, "KVM_SET_IRQCHIP", chip)),
      ...vcpus.flatMap((vcpu) => vcpuState(calls, vcpu)),
    ];
  }

  restore(): void {
    for (const restore of this.#restore) restore();
  }
}

/** What the guest has agreed on with KVM: memory that KVM writes, for one. */
const AGREED = [0x4b56_4d00, 0x4b56_4d01, 0x4b56_4d03, 0x4b56_4d05].map((index) => ({
  index,
  data: 0n,
}));
const NOTHING: readonly number[] = Array.from({ length: 512 }, () => 0);

function vcpuState(calls: KvmCalls, vcpu: number): readonly (() => void)[] {
  const sregs = calls.call(vcpu, "KVM_GET_SREGS", null);
  const regs = calls.call(vcpu, "KVM_GET_REGS", null);
  const apic = calls.call(vcpu, "KVM_GET_LAPIC", null);
  const state = calls.call(vcpu, "KVM_GET_MP_STATE", null);
  const msrs = calls.call(vcpu, "KVM_GET_MSRS", AGREED);
  return [
    () => calls.call(vcpu, "KVM_SET_MSRS", msrs),
    () => calls.call(vcpu, "KVM_SET_SREGS", sregs),
    () => calls.call(vcpu, "KVM_SET_REGS", regs),
    () => calls.call(vcpu, "KVM_SET_LAPIC", apic),
    () => calls.call(vcpu, "KVM_SET_MP_STATE", state),
  ];
}
