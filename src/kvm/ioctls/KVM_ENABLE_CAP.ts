/** KVM_ENABLE_CAP: KVM API, "KVM_ENABLE_CAP". */

import { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_enable_cap } from "./structures.ts";

const KVM_CAP_MAX_VCPU_ID = 128;
const KVM_CAP_ENFORCE_PV_FEATURE_CPUID = 190;

export const KVM_ENABLE_CAP = ioctl(
  "KVM_ENABLE_CAP",
  ["vm", "vcpu"],
  ["_IOW", 0xa3, kvm_enable_cap],
  (file: Vm | Vcpu, { cap, flags, args }) => {
    if (flags !== 0) return "EINVAL";
    // No paravirtual feature is offered, so none is there that CPUID does not show.
    if (file instanceof Vcpu) return cap === KVM_CAP_ENFORCE_PV_FEATURE_CPUID ? 0 : "EINVAL";
    return cap === KVM_CAP_MAX_VCPU_ID ? (file.limitVcpuIds(args[0] ?? 0n) ?? 0) : "EINVAL";
  },
);
