/** KVM_SET_GUEST_DEBUG: KVM API, "KVM_SET_GUEST_DEBUG". */

import { VECTORS } from "../../hw/cpu/fault.ts";
import { GUESTDBG, injectException, isStepping, NOT_DEBUGGED } from "../guest-debug.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_guest_debug } from "./structures.ts";

export const KVM_SET_GUEST_DEBUG = ioctl(
  "KVM_SET_GUEST_DEBUG",
  "vcpu",
  ["_IOW", 0x9b, kvm_guest_debug],
  (vcpu: Vcpu, { control, arch: { debugreg } }) => {
    const { state } = vcpu;
    const has = (bit: number): boolean => (control & bit) !== 0;
    if (has(GUESTDBG.INJECT_DB | GUESTDBG.INJECT_BP)) {
      if (state.pending !== null) return "EBUSY";
      injectException(vcpu, VECTORS[has(GUESTDBG.INJECT_DB) ? "#DB" : "#BP"]);
    }
    state.guestDebug = has(GUESTDBG.ENABLE) ? { control, debugreg: [...debugreg] } : NOT_DEBUGGED;
    if (!isStepping(state.guestDebug)) state.isStepped = false;
    return 0;
  },
);
