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
    const isGone = (flags & DEASSIGN) !== 0;
    // What cannot be assigned is not there to be taken away.
    if (!isGone && !isPlace(addr, len, flags)) return "EINVAL";
    const file = task.file(fd);
    if (isErrno(file)) return file;
    if (!(file instanceof Eventfd)) return "EINVAL";
    const { eventfds } = vm;
    const place = {
      space: (flags & PIO) === 0 ? ("memory" as const) : ("port" as const),
      address: addr,
      size: len,
      match: hasMatch ? datamatch : null,
    };
    return (isGone ? eventfds.detach(file, place) : eventfds.attach(file, place)) ?? 0;
  },
);

function isPlace(address: bigint, length: number, flags: number): boolean {
  if (!LENGTHS.includes(length) || address + BigInt(length) >= 2n ** 64n) return false;
  if ((flags & ~(DATAMATCH | PIO | DEASSIGN)) !== 0) return false;
  return length !== 0 || (flags & DATAMATCH) === 0;
}
