/** KVM_GET_MSRS: KVM API, "KVM_GET_MSRS". Those before the first that does not exist. */

import { readMsr } from "../../hw/cpu/msr/access.ts";
import { MOST_MSRS, msrAccess } from "../msrs.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msrs } from "./structures.ts";

export const KVM_GET_MSRS = ioctl(
  "KVM_GET_MSRS",
  "vcpu",
  ["_IOWR", 0x88, kvm_msrs],
  (vcpu: Vcpu, entries) => {
    if (entries.length >= MOST_MSRS) return "E2BIG";
    const found: { readonly index: number; readonly data: bigint }[] = [];
    for (const { index } of entries) {
      const data = readMsr(msrAccess(vcpu), index);
      if (data === null) break;
      found.push({ index, data });
    }
    return found;
  },
);
