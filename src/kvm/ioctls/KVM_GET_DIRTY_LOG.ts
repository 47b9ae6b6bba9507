/** KVM_GET_DIRTY_LOG: KVM API, "KVM_GET_DIRTY_LOG (vm ioctl)". */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_dirty_log } from "./structures.ts";

export const KVM_GET_DIRTY_LOG = ioctl(
  "KVM_GET_DIRTY_LOG",
  "vm",
  ["_IOW", 0x42, kvm_dirty_log],
  (vm: Vm, { slot, dirty_bitmap: address }) => vm.mmu.getDirtyLog(slot, Number(address)) ?? 0,
);
