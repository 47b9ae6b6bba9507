/** KVM_GET_FPU: KVM API, "KVM_GET_FPU". */

import { getFpu } from "../fpu.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_fpu } from "./structures.ts";

export const KVM_GET_FPU = ioctl(
  "KVM_GET_FPU",
  "vcpu",
  ["_IOR", 0x8c, null, kvm_fpu],
  ({ registers }: Vcpu) => getFpu(registers),
);
