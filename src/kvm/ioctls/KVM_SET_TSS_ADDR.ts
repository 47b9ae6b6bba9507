/** KVM_SET_TSS_ADDR: where a guest of real mode may have its TSS. KVM API, "KVM_SET_TSS_ADDR". Nothing is put there: guests are unrestricted. */

import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";

/** Three pages have to fit below 4 GiB. */
const LAST = 2n ** 32n - 3n * 4096n;

export const KVM_SET_TSS_ADDR = ioctl(
  "KVM_SET_TSS_ADDR",
  "vm",
  ["_IO", 0x47, "u64"],
  (_vm: Vm, address: bigint) => (address > LAST ? "EINVAL" : 0),
);
