/** KVM_GET_TSC_KHZ: KVM API, "KVM_GET_TSC_KHZ". */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_GET_TSC_KHZ = ioctl(
  "KVM_GET_TSC_KHZ",
  "vcpu",
  ["_IO", 0xa3, null],
  ({ state }: Vcpu) => state.tscKhz,
);
