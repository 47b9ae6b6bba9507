/** KVM_CREATE_VCPU: KVM API, "KVM_CREATE_VCPU". */

import { isErrno } from "../../linux/errno.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";

export const KVM_CREATE_VCPU = ioctl(
  "KVM_CREATE_VCPU",
  "vm",
  ["_IO", 0x41, "u64"],
  (vm: Vm, id: bigint, { task }) => {
    const vcpu = vm.createVcpu(Number(BigInt.asUintN(32, id)));
    if (isErrno(vcpu)) return vcpu;
    const descriptor = task.open(vcpu);
    if (isErrno(descriptor)) vcpu.release();
    return descriptor;
  },
);
