/** KVM_SET_IDENTITY_MAP_ADDR: where a page table of the identity may lie. KVM API, "KVM_SET_IDENTITY_MAP_ADDR". None is needed: guests are unrestricted. */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_SET_IDENTITY_MAP_ADDR = ioctl(
  "KVM_SET_IDENTITY_MAP_ADDR",
  "vm",
  ["_IOW", 0x48, "u64"],
  (vm: Vm, _address: bigint) => (vm.vcpus.length > 0 ? "EINVAL" : 0),
);
