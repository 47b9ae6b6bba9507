/** KVM_GET_LAPIC: KVM API, "KVM_GET_LAPIC". */

import { lapicPage } from "./lapic-page.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_lapic_state } from "./structures.ts";

export const KVM_GET_LAPIC = ioctl(
  "KVM_GET_LAPIC",
  "vcpu",
  ["_IOR", 0x8e, null, kvm_lapic_state],
  ({ vm, index, hasApic }: Vcpu) => {
    if (!hasApic || vm.irqchip === null) return "EINVAL";
    const apic = vm.irqchip.lapic(index);
    apic.settle();
    return { regs: lapicPage(apic.state, vm.world.now) };
  },
);
