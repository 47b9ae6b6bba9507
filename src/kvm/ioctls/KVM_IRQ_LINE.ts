/** KVM_IRQ_LINE: KVM API, "KVM_IRQ_LINE". */

import { SOURCE } from "../irqchip/irqchip.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_irq_level } from "./structures.ts";

export const KVM_IRQ_LINE = ioctl(
  "KVM_IRQ_LINE",
  "vm",
  ["_IOW", 0x61, kvm_irq_level],
  ({ irqchip }: Vm, { irq, level }) => {
    if (irqchip === null) return "ENXIO";
    irqchip.setIrq(irq, level, SOURCE.user);
    return 0;
  },
);
