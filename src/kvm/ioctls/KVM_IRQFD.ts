/** KVM_IRQFD: KVM API, "KVM_IRQFD". */

import { Eventfd } from "../../linux/eventfd.ts";
import { isErrno } from "../../linux/errno.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_irqfd } from "./structures.ts";

/** KVM_IRQFD_FLAG_DEASSIGN. */
const DEASSIGN = 1;

/** Not done: KVM_IRQFD_FLAG_RESAMPLE. */
export const KVM_IRQFD = ioctl(
  "KVM_IRQFD",
  "vm",
  ["_IOW", 0x76, kvm_irqfd],
  (vm: Vm, { fd, gsi, flags }, { task }) => {
    if ((flags & ~DEASSIGN) !== 0 || vm.irqchip === null) return "EINVAL";
    const file = task.file(fd);
    if (isErrno(file)) return file;
    if (!(file instanceof Eventfd)) return "EINVAL";
    return (
      ((flags & DEASSIGN) === 0
        ? vm.eventfds.assign(file, gsi)
        : vm.eventfds.deassign(file, gsi)) ?? 0
    );
  },
);
