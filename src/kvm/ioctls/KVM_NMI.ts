/** KVM_NMI: KVM API, "KVM_NMI". */

import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_NMI = ioctl("KVM_NMI", "vcpu", ["_IO", 0x9a, null], (vcpu: Vcpu) => {
  vcpu.signal("nmi");
  return 0;
});
