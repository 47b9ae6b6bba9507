/** KVM_SET_DEBUGREGS: KVM API, "KVM_SET_DEBUGREGS". */

import { setDebugRegs } from "./registers.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_debugregs } from "./structures.ts";

export const KVM_SET_DEBUGREGS = ioctl(
  "KVM_SET_DEBUGREGS",
  "vcpu",
  ["_IOW", 0xa2, kvm_debugregs],
  ({ registers }: Vcpu, debugregs) => setDebugRegs(registers, debugregs) ?? 0,
);
