/** KVM_GET_VCPU_EVENTS: KVM API, "KVM_GET_VCPU_EVENTS". */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_vcpu_events } from "./structures.ts";
import { getEvents } from "./vcpu-events.ts";

export const KVM_GET_VCPU_EVENTS = ioctl(
  "KVM_GET_VCPU_EVENTS",
  "vcpu",
  ["_IOR", 0x9f, null, kvm_vcpu_events],
  (vcpu: Vcpu) => getEvents(vcpu),
);
