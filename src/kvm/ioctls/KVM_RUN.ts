/** KVM_RUN: KVM API, "KVM_RUN". */

import { runVcpu } from "../run.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_RUN = ioctl(
  "KVM_RUN",
  "vcpu",
  ["_IO", 0x80, null],
  (vcpu: Vcpu, _nothing, caller) => runVcpu(vcpu, caller),
);
