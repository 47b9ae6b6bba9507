/** KVM_IOEVENTFD: KVM API, "KVM_IOEVENTFD". */

import { Eventfd } from "../../linux/eventfd.ts";
import { isErrno } from "../../linux/errno.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_ioeventfd } from "./structures.ts";

/** KVM_IOEVENTFD_FLAG_*. */
const [DATAMATCH, PIO, DEASSIGN] = [1, 2, 4] as const;
const LENGTHS: readonly number[] = [0, 1, 2, 4, 8];

export const KVM_IOEVENTFD = ioctl(
  "KVM_IOEVENTFD",
  "vm",
  ["_IOW", 0x79, kvm_ioeventfd],
  (vm: Vm, { datamatch, addr, len, fd, flags }, { task }) => {
    const hasMatch = (flags & DATAMATCH) !== 0;
    if (!LENGTHS.includes(len) || addr + BigInt(len) >= 2n ** 64n) return "EINVAL";
    if ((flags & ~(DATAMATCH | PIO | DEASSIGN)) !== 0 || (len === 0 && hasMatch)) return "EINVAL";
    const file = task.file(fd);
    if (isErrno(file)) return file;
    if (!(file instanceof Eventfd)) return "EINVAL";
    const place = {
      space: (flags & PIO) === 0 ? ("memory" as const) : ("port" as const),
      address: Number(addr),
      size: len,
      match: hasMatch ? datamatch : null,
    };
    const { eventfds } = vm;
    return (
      ((flags & DEASSIGN) === 0 ? eventfds.attach(file, place) : eventfds.detach(file, place)) ?? 0
    );
  },
);
