/** KVM_SET_CLOCK: KVM API, "KVM_SET_CLOCK". */

import type { Vm } from "../vm.ts";
import { ioctl, timeOf } from "./ioctl.ts";
import { kvm_clock_data } from "./structures.ts";

/** KVM_CLOCK_*. */
const FLAGS = { TSC_STABLE: 2, REALTIME: 4, HOST_TSC: 8 };
export const VALID_CLOCK_FLAGS = FLAGS.TSC_STABLE | FLAGS.REALTIME | FLAGS.HOST_TSC;

export const KVM_SET_CLOCK = ioctl(
  "KVM_SET_CLOCK",
  "vm",
  ["_IOW", 0x7b, kvm_clock_data],
  ({ kvm, clock }: Vm, { clock: value, flags, realtime }, caller) => {
    if ((flags & ~VALID_CLOCK_FLAGS) !== 0) return "EINVAL";
    const now = timeOf(kvm.host, caller);
    // What has gone by since the value was taken is added, and nothing if that was in the future.
    const gone = (flags & FLAGS.REALTIME) === 0 ? 0n : clock.realTime(now) - realtime;
    clock.set(BigInt.asUintN(64, value + (gone > 0n ? gone : 0n)), now);
    return 0;
  },
);
