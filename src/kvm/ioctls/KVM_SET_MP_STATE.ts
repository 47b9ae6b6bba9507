/** KVM_SET_MP_STATE: KVM API, "KVM_SET_MP_STATE". */

import { MP_STATE, type Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_mp_state } from "./structures.ts";

/** Without a local APIC in the module there is nothing to wait for. */
export const KVM_SET_MP_STATE = ioctl(
  "KVM_SET_MP_STATE",
  "vcpu",
  ["_IOW", 0x99, kvm_mp_state],
  ({ state, hasApic }: Vcpu, { mp_state: wanted }) => {
    const isKnown = Object.values<number>(MP_STATE).includes(wanted);
    if (!isKnown || (!hasApic && wanted !== MP_STATE.runnable)) return "EINVAL";
    state.mpState = wanted;
    return 0;
  },
);
