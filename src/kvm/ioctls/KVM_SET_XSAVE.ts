/** KVM_SET_XSAVE: KVM API, "KVM_SET_XSAVE". */

import { setXsave } from "../fpu.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_xsave } from "./structures.ts";

export const KVM_SET_XSAVE = ioctl(
  "KVM_SET_XSAVE",
  "vcpu",
  ["_IOW", 0xa5, kvm_xsave],
  ({ registers, vm }: Vcpu, xsave) => setXsave(registers, vm.kvm.profile, xsave) ?? 0,
);
