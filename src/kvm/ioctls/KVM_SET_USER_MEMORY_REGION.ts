/** KVM_SET_USER_MEMORY_REGION: KVM API, "KVM_SET_USER_MEMORY_REGION". */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_userspace_memory_region } from "./structures.ts";

export const KVM_SET_USER_MEMORY_REGION = ioctl(
  "KVM_SET_USER_MEMORY_REGION",
  "vm",
  ["_IOW", 0x46, kvm_userspace_memory_region],
  (vm: Vm, region) => vm.mmu.setRegion(region) ?? 0,
);
