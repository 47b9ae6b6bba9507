/** KVM_GET_API_VERSION: KVM API, "KVM_GET_API_VERSION". */

import { ioctl } from "./ioctl.ts";

export const KVM_GET_API_VERSION = ioctl(
  "KVM_GET_API_VERSION",
  "system",
  ["_IO", 0x00, null],
  () => 12,
);
