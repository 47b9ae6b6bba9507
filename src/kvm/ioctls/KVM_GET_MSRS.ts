/** KVM_GET_MSRS: KVM API, "KVM_GET_MSRS". Of a vCPU its own; of the module those that tell of features. */

import { KvmDevice } from "../module.ts";
import { getFeatureMsrs, getMsrs } from "../msrs.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msrs } from "./structures.ts";

export const KVM_GET_MSRS = ioctl(
  "KVM_GET_MSRS",
  ["system", "vcpu"],
  ["_IOWR", 0x88, kvm_msrs],
  (file: KvmDevice | Vcpu, entries, { cpu }) =>
    file instanceof KvmDevice ? getFeatureMsrs(file.kvm, entries) : getMsrs(file, cpu, entries),
);
