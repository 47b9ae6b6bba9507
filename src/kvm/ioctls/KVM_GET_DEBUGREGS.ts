/** KVM_GET_DEBUGREGS: KVM API, "KVM_GET_DEBUGREGS". */

import { getDebugRegs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_debugregs } from "./structures.ts";

export const KVM_GET_DEBUGREGS = ioctl(
  "KVM_GET_DEBUGREGS",
  "vcpu",
  ["_IOR", 0xa1, null, kvm_debugregs],
  ({ registers }: Vcpu) => getDebugRegs(registers),
);
