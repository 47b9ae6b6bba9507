/** KVM_CREATE_PIT2: KVM API, "KVM_CREATE_PIT2". */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_pit_config } from "./structures.ts";

export const KVM_CREATE_PIT2 = ioctl(
  "KVM_CREATE_PIT2",
  "vm",
  ["_IOW", 0x77, kvm_pit_config],
  ({ irqchip }: Vm) => {
    if (irqchip === null) return "ENOENT";
    if (irqchip.pit !== null) return "EEXIST";
    irqchip.createPit();
    return 0;
  },
);
