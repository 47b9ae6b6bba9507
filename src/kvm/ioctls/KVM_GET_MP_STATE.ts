/** KVM_GET_MP_STATE: KVM API, "KVM_GET_MP_STATE". */

import { acceptArrivals } from "../interrupts.ts";
import { MP_STATE, type Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_mp_state } from "./structures.ts";

export const KVM_GET_MP_STATE = ioctl(
  "KVM_GET_MP_STATE",
  "vcpu",
  ["_IOR", 0x98, null, kvm_mp_state],
  (vcpu: Vcpu, _argument, { cpu }) => {
    acceptArrivals(vcpu, cpu);
    const { mpState, pv } = vcpu.state;
    // A kick has ended the halt already.
    return { mp_state: mpState === MP_STATE.halted && pv.isKicked ? MP_STATE.runnable : mpState };
  },
);
