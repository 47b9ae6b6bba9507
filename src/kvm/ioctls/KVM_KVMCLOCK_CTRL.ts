/** KVM_KVMCLOCK_CTRL: KVM API, "KVM_KVMCLOCK_CTRL". The guest was stopped, which its watchdogs should know. */

import { hasClock } from "../pv/kvmclock.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_KVMCLOCK_CTRL = ioctl(
  "KVM_KVMCLOCK_CTRL",
  "vcpu",
  ["_IO", 0xad, null],
  (vcpu: Vcpu) => {
    if (!hasClock(vcpu)) return "EINVAL";
    vcpu.state.pv.isStopped = true;
    vcpu.state.pv.isClockDue = true;
    return 0;
  },
);
