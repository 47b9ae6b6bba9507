/** KVM_SET_IRQCHIP: KVM API, "KVM_SET_IRQCHIP". */

import { setIoapicState, setPicState } from "./chip-state.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { IRQCHIP, kvm_irqchip } from "./structures.ts";

export const KVM_SET_IRQCHIP = ioctl(
  "KVM_SET_IRQCHIP",
  "vm",
  ["_IOR", 0x63, kvm_irqchip],
  ({ irqchip }: Vm, { chip_id: id, chip }) => {
    if (irqchip === null) return "ENXIO";
    const { pics, ioapic } = irqchip;
    const pic = pics[id];
    if (id === IRQCHIP.ioapic) ioapic.act((state) => setIoapicState(state, chip));
    else if (pic === undefined) return "EINVAL";
    else pic.act((state) => setPicState(state, chip));
    return 0;
  },
);
