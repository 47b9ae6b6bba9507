/** KVM_GET_SUPPORTED_CPUID: KVM API, "KVM_GET_SUPPORTED_CPUID". */

import { supportedCpuid } from "../cpuid.ts";
import type { KvmDevice } from "../module.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_cpuid2 } from "./structures.ts";

export const KVM_GET_SUPPORTED_CPUID = ioctl(
  "KVM_GET_SUPPORTED_CPUID",
  "system",
  ["_IOWR", 0x05, null, kvm_cpuid2],
  ({ kvm }: KvmDevice) => supportedCpuid(kvm.profile, kvm.registersAtReset()),
);
