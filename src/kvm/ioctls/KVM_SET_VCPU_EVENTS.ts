/** KVM_SET_VCPU_EVENTS: KVM API, "KVM_SET_VCPU_EVENTS". */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_vcpu_events } from "./structures.ts";
import { setEvents } from "./vcpu-events.ts";

export const KVM_SET_VCPU_EVENTS = ioctl(
  "KVM_SET_VCPU_EVENTS",
  "vcpu",
  ["_IOW", 0xa0, kvm_vcpu_events],
  (vcpu: Vcpu, events) => setEvents(vcpu, events) ?? 0,
);
