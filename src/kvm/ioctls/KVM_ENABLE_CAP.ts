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
    if (file instanceof Vcpu) {
      if (cap !== KVM_CAP_ENFORCE_PV_FEATURE_CPUID) return "EINVAL";
      file.state.pv = { ...file.state.pv, isEnforced: (args[0] ?? 0n) !== 0n };
      return 0;
    }
    return cap === KVM_CAP_MAX_VCPU_ID ? (file.limitVcpuIds(args[0] ?? 0n) ?? 0) : "EINVAL";
  },
);
