/** KVM_GET_PIT2: KVM API, "KVM_GET_PIT2". */

import { pitState } from "./chip-state.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_pit_state2 } from "./structures.ts";

export const KVM_GET_PIT2 = ioctl(
  "KVM_GET_PIT2",
  "vm",
  ["_IOR", 0x9f, null, kvm_pit_state2],
  ({ irqchip }: Vm) => {
    const pit = irqchip?.pit ?? null;
    if (pit === null) return "ENXIO";
    pit.timer.settle();
    return pitState(pit.timer.state, pit.speaker.state);
  },
);
