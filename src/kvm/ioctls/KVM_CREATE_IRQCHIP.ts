/** KVM_CREATE_IRQCHIP: KVM API, "KVM_CREATE_IRQCHIP". */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_CREATE_IRQCHIP = ioctl(
  "KVM_CREATE_IRQCHIP",
  "vm",
  ["_IO", 0x60, null],
  (vm: Vm) => vm.createIrqchip() ?? 0,
);
