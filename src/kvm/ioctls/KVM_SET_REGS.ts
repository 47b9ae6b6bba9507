/** KVM_SET_REGS: KVM API, "KVM_SET_REGS". */

import { setRegs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_regs } from "./structures.ts";

export const KVM_SET_REGS = ioctl(
  "KVM_SET_REGS",
  "vcpu",
  ["_IOW", 0x82, kvm_regs],
  (vcpu: Vcpu, regs) => {
    setRegs(vcpu.registers, regs);
    vcpu.state.pending = null;
    return 0;
  },
);
