/** KVM_GET_XSAVE: KVM API, "KVM_GET_XSAVE". */

import { getXsave } from "../fpu.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_xsave } from "./structures.ts";

export const KVM_GET_XSAVE = ioctl(
  "KVM_GET_XSAVE",
  "vcpu",
  ["_IOR", 0xa4, null, kvm_xsave],
  ({ registers }: Vcpu) => getXsave(registers),
);
