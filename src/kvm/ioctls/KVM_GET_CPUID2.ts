/** KVM_GET_CPUID2: KVM API, "KVM_GET_CPUID2". What is passed is the room for entries. */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_cpuid2 } from "./structures.ts";

export const KVM_GET_CPUID2 = ioctl(
  "KVM_GET_CPUID2",
  "vcpu",
  ["_IOWR", 0x91, kvm_cpuid2],
  ({ state: { cpuid } }: Vcpu, room) => (room.length < cpuid.length ? "E2BIG" : cpuid),
);
