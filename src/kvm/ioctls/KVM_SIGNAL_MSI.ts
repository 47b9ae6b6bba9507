/** KVM_SIGNAL_MSI: KVM API, "KVM_SIGNAL_MSI". */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msi } from "./structures.ts";

/** 1: a vCPU has it. */
export const KVM_SIGNAL_MSI = ioctl(
  "KVM_SIGNAL_MSI",
  "vm",
  ["_IOW", 0xa5, kvm_msi],
  ({ irqchip }: Vm, { address_lo: addressLow, address_hi: addressHigh, data, flags }) => {
    if (irqchip === null || flags !== 0) return "EINVAL";
    return irqchip.sendMsi({ addressLow, addressHigh, data }) ? 1 : 0;
  },
);
