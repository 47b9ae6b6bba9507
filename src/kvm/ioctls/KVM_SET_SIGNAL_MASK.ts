/** KVM_SET_SIGNAL_MASK: KVM API, "KVM_SET_SIGNAL_MASK". Accepted: what ends KVM_RUN is immediate_exit. */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_signal_mask } from "./structures.ts";

/** sizeof(sigset_t). */
const SET_BYTES = 8;

export const KVM_SET_SIGNAL_MASK = ioctl(
  "KVM_SET_SIGNAL_MASK",
  "vcpu",
  ["_IOW", 0x8b, kvm_signal_mask],
  (_vcpu: Vcpu, signals) => (signals.length === SET_BYTES ? 0 : "EINVAL"),
);
