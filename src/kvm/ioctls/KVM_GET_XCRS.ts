/** KVM_GET_XCRS: KVM API, "KVM_GET_XCRS". */

import { getXcrs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_xcrs } from "./structures.ts";

export const KVM_GET_XCRS = ioctl(
  "KVM_GET_XCRS",
  "vcpu",
  ["_IOR", 0xa6, null, kvm_xcrs],
  ({ registers, vm }: Vcpu) => getXcrs(registers, vm.kvm.profile),
);
