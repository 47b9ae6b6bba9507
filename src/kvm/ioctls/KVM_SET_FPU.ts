/** KVM_SET_FPU: KVM API, "KVM_SET_FPU". */

import { setFpu } from "../fpu.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_fpu } from "./structures.ts";

export const KVM_SET_FPU = ioctl(
  "KVM_SET_FPU",
  "vcpu",
  ["_IOW", 0x8d, kvm_fpu],
  ({ registers }: Vcpu, fpu) => {
    setFpu(registers, fpu);
    return 0;
  },
);
