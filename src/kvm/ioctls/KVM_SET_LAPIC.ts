/** KVM_SET_LAPIC: KVM API, "KVM_SET_LAPIC". */

import { setLapicPage } from "./lapic-page.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_lapic_state } from "./structures.ts";

export const KVM_SET_LAPIC = ioctl(
  "KVM_SET_LAPIC",
  "vcpu",
  ["_IOW", 0x8f, kvm_lapic_state],
  (vcpu: Vcpu, { regs }) => {
    const { vm, index, hasApic } = vcpu;
    if (!hasApic || vm.irqchip === null) return "EINVAL";
    const apic = vm.irqchip.lapic(index);
    apic.act((state) => setLapicPage(state, regs, vm.world.now));
    vcpu.showTaskPriority(apic.state.tpr >> 4);
    return 0;
  },
);
