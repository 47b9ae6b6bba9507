/** KVM_CREATE_VM: KVM API, "KVM_CREATE_VM". */

import { isErrno } from "../../linux/errno.ts";
import type { KvmDevice } from "../module.ts";
import { ioctl, timeOf } from "./ioctl.ts";

export const KVM_CREATE_VM = ioctl(
  "KVM_CREATE_VM",
  "system",
  ["_IO", 0x01, "u64"],
  ({ kvm }: KvmDevice, type: bigint, caller) => {
    if (type !== 0n) return "EINVAL";
    const vm = kvm.createVm(caller.task, timeOf(kvm.host, caller));
    if (isErrno(vm)) return vm;
    const descriptor = caller.task.open(vm);
    if (isErrno(descriptor)) vm.release();
    return descriptor;
  },
);
