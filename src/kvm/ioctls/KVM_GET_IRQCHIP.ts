/** KVM_GET_IRQCHIP: KVM API, "KVM_GET_IRQCHIP". */

import { ioapicState, picState } from "./chip-state.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { IRQCHIP, kvm_irqchip } from "./structures.ts";

/** The union of the structure is its bytes. */
export const KVM_GET_IRQCHIP = ioctl(
  "KVM_GET_IRQCHIP",
  "vm",
  ["_IOWR", 0x62, kvm_irqchip],
  ({ irqchip }: Vm, { chip_id: id }) => {
    if (irqchip === null) return "ENXIO";
    const { pics, ioapic } = irqchip;
    if (id === IRQCHIP.ioapic) return { chip_id: id, chip: ioapicState(ioapic.state) };
    const pic = pics[id];
    return pic === undefined ? "EINVAL" : { chip_id: id, chip: picState(pic.state) };
  },
);
