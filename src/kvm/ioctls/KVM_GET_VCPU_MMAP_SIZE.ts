/** KVM_GET_VCPU_MMAP_SIZE: KVM API, "KVM_GET_VCPU_MMAP_SIZE". */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import { ioctl } from "./ioctl.ts";

/** kvm_run, and the data of ports. */
const PAGES = 2;

export const KVM_GET_VCPU_MMAP_SIZE = ioctl(
  "KVM_GET_VCPU_MMAP_SIZE",
  "system",
  ["_IO", 0x04, null],
  () => PAGES * PAGE_SIZE,
);
