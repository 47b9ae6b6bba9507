/** KVM_SET_MSRS: KVM API, "KVM_SET_MSRS". How many were written. */

import { setMsrs } from "../msrs.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msrs } from "./structures.ts";

export const KVM_SET_MSRS = ioctl(
  "KVM_SET_MSRS",
  "vcpu",
  ["_IOW", 0x89, kvm_msrs],
  (vcpu: Vcpu, entries, { cpu }) => setMsrs(vcpu, cpu, entries),
);
