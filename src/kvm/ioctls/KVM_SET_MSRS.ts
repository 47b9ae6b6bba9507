/** KVM_SET_MSRS: KVM API, "KVM_SET_MSRS". How many were written. */

import { writeMsr } from "../../hw/cpu/msr/access.ts";
import { MOST_MSRS, msrAccess } from "../msrs.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msrs } from "./structures.ts";

export const KVM_SET_MSRS = ioctl(
  "KVM_SET_MSRS",
  "vcpu",
  ["_IOW", 0x89, kvm_msrs],
  (vcpu: Vcpu, entries) => {
    if (entries.length >= MOST_MSRS) return "E2BIG";
    const access = msrAccess(vcpu);
    const refused = entries.findIndex(({ index, data }) => !writeMsr(access, index, data));
    return refused < 0 ? entries.length : refused;
  },
);
