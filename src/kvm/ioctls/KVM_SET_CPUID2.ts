/** KVM_SET_CPUID2: KVM API, "KVM_SET_CPUID2". */

import type { CpuidEntry } from "../cpuid.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_cpuid2 } from "./structures.ts";

/** KVM_MAX_CPUID_ENTRIES. */
const MOST_ENTRIES = 256;
const FIELDS = ["function", "index", "flags", "eax", "ebx", "ecx", "edx"] as const;

/** Behind the first KVM_RUN, CPUID does not change any more. */
const areSame = (a: readonly CpuidEntry[], b: readonly CpuidEntry[]): boolean =>
  a.length === b.length &&
  a.every((one, i) => FIELDS.every((field) => one[field] === b[i]?.[field]));

export const KVM_SET_CPUID2 = ioctl(
  "KVM_SET_CPUID2",
  "vcpu",
  ["_IOW", 0x90, kvm_cpuid2],
  (vcpu: Vcpu, entries) => {
    if (entries.length > MOST_ENTRIES) return "E2BIG";
    if (vcpu.state.hasRun && !areSame(entries, vcpu.state.cpuid)) return "EINVAL";
    vcpu.state.cpuid = entries.map((entry) => ({ ...entry }));
    return 0;
  },
);
