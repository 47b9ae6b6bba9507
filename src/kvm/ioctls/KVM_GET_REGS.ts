/** KVM_GET_REGS: KVM API, "KVM_GET_REGS". */

import { getRegs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_regs } from "./structures.ts";

export const KVM_GET_REGS = ioctl(
  "KVM_GET_REGS",
  "vcpu",
  ["_IOR", 0x81, null, kvm_regs],
  ({ registers }: Vcpu) => getRegs(registers),
);
