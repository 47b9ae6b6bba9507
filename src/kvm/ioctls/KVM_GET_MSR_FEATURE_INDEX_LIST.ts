/** KVM_GET_MSR_FEATURE_INDEX_LIST: KVM API, "KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST". What is passed is the room for numbers. */

import type { KvmDevice } from "../module.ts";
import { featureMsrs } from "../msrs.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_msr_list } from "./structures.ts";

export const KVM_GET_MSR_FEATURE_INDEX_LIST = ioctl(
  "KVM_GET_MSR_FEATURE_INDEX_LIST",
  "system",
  ["_IOWR", 0x0a, kvm_msr_list],
  ({ kvm }: KvmDevice, room) => {
    const numbers = featureMsrs(kvm);
    return room.length < numbers.length ? "E2BIG" : numbers;
  },
);
