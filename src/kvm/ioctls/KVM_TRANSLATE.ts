/** KVM_TRANSLATE: KVM API, "KVM_TRANSLATE". Rights are not told: whatever is mapped is said to be writable, and the kernel's. */

import { guestPhysical } from "../guest-memory.ts";
import type { Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_translation } from "./structures.ts";

const NOWHERE = 2n ** 64n - 1n;

export const KVM_TRANSLATE = ioctl(
  "KVM_TRANSLATE",
  "vcpu",
  ["_IOWR", 0x85, kvm_translation],
  (vcpu: Vcpu, { linear_address: linear }) => {
    const found = guestPhysical(vcpu, linear);
    return {
      linear_address: linear,
      physical_address: found === null ? NOWHERE : BigInt(found),
      valid: found === null ? 0 : 1,
      writeable: 1,
      usermode: 0,
    };
  },
);
