/** KVM_GET_SUPPORTED_CPUID: KVM API, "KVM_GET_SUPPORTED_CPUID". */

import { powerUp } from "../../hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState } from "../../hw/cpu/state.ts";
import { supportedCpuid } from "../cpuid.ts";
import type { KvmDevice } from "../module.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_cpuid2 } from "./structures.ts";

export const KVM_GET_SUPPORTED_CPUID = ioctl(
  "KVM_GET_SUPPORTED_CPUID",
  "system",
  ["_IOWR", 0x05, null, kvm_cpuid2],
  ({ kvm }: KvmDevice) => {
    const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
    powerUp(state, kvm.environment);
    return supportedCpuid(kvm.profile, state);
  },
);
