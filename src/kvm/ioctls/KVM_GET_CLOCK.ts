/** KVM_GET_CLOCK: KVM API, "KVM_GET_CLOCK". */

import { readSlot } from "../../hw/cpu/msr/slots.ts";
import type { Vm } from "../vm.ts";
import { ioctl, timeOf } from "./ioctl.ts";
import { VALID_CLOCK_FLAGS } from "./KVM_SET_CLOCK.ts";
import { kvm_clock_data } from "./structures.ts";

export const KVM_GET_CLOCK = ioctl(
  "KVM_GET_CLOCK",
  "vm",
  ["_IOR", 0x7c, null, kvm_clock_data],
  ({ kvm, clock }: Vm, _nothing, caller) => {
    const now = timeOf(kvm.host, caller);
    // Without one counter for all, the clock is told, and nothing that goes with it.
    if (!clock.isStable) return { clock: clock.at(now), flags: 0, realtime: 0n, host_tsc: 0n };
    const tsc = BigInt(now) + readSlot(caller.cpu.state, "TSC offset");
    return {
      clock: clock.at(now),
      flags: VALID_CLOCK_FLAGS,
      realtime: clock.realTime(now),
      host_tsc: BigInt.asUintN(64, tsc),
    };
  },
);
