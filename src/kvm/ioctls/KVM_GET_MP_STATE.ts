/** KVM_GET_MP_STATE: KVM API, "KVM_GET_MP_STATE". */

import { MP_STATE, type Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_mp_state } from "./structures.ts";

export const KVM_GET_MP_STATE = ioctl(
  "KVM_GET_MP_STATE",
  "vcpu",
  ["_IOR", 0x98, null, kvm_mp_state],
  ({ state: { mpState, pv } }: Vcpu) => ({
    // A kick has ended the halt already.
    mp_state: mpState === MP_STATE.halted && pv.isKicked ? MP_STATE.runnable : mpState,
  }),
);
