/** KVM_GET_SREGS: KVM API, "KVM_GET_SREGS". */

import { getSregs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_sregs } from "./structures.ts";

export const KVM_GET_SREGS = ioctl(
  "KVM_GET_SREGS",
  "vcpu",
  ["_IOR", 0x83, null, kvm_sregs],
  ({ registers, state }: Vcpu) => getSregs(registers, state.pending),
);
