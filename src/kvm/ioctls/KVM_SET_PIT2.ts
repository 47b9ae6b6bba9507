/** KVM_SET_PIT2: KVM API, "KVM_SET_PIT2". */

import { setPitState } from "./chip-state.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_pit_state2 } from "./structures.ts";

/** The counters begin anew with what they count from. */
export const KVM_SET_PIT2 = ioctl(
  "KVM_SET_PIT2",
  "vm",
  ["_IOW", 0xa0, kvm_pit_state2],
  ({ irqchip, world }: Vm, state) => {
    const pit = irqchip?.pit ?? null;
    if (pit === null) return "ENXIO";
    setPitState(pit, state, world.now);
    return 0;
  },
);
