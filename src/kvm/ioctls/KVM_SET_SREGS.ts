/** KVM_SET_SREGS: KVM API, "KVM_SET_SREGS". */

import { loadPdptes } from "../guest-memory.ts";
import { pendingVector, setSregs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_sregs } from "./structures.ts";

export const KVM_SET_SREGS = ioctl(
  "KVM_SET_SREGS",
  "vcpu",
  ["_IOW", 0x84, kvm_sregs],
  (vcpu: Vcpu, sregs) => {
    const error = setSregs(vcpu.registers, vcpu.environment, sregs);
    if (error !== null) return error;
    loadPdptes(vcpu);
    const vector = pendingVector(sregs);
    if (vector !== null) vcpu.state.pending = { type: "interrupt", vector, errorCode: null };
    vcpu.flush();
    return 0;
  },
);
