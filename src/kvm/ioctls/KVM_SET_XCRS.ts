/** KVM_SET_XCRS: KVM API, "KVM_SET_XCRS". */

import { setXcrs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_xcrs } from "./structures.ts";

export const KVM_SET_XCRS = ioctl(
  "KVM_SET_XCRS",
  "vcpu",
  ["_IOW", 0xa7, kvm_xcrs],
  ({ registers, vm }: Vcpu, xcrs) => setXcrs(registers, vm.kvm.profile, xcrs) ?? 0,
);
