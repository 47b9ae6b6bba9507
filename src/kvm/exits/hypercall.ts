/** VMCALL and VMMCALL: Linux, Documentation/virt/kvm/x86/hypercalls.rst. None is offered. */

import { is64Bit } from "../../hw/cpu/mode.ts";
import { RAX } from "../../hw/cpu/system.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip } from "./skip.ts";

/** KVM_ENOSYS, and KVM_EPERM for who is no kernel. */
const [ENOSYS, EPERM] = [-1000n, -1n];

export function handleHypercall(vcpu: Vcpu, cpu: HostCpu, exit: Exit): null {
  skip(vcpu, cpu, exit);
  const { registers } = vcpu;
  const answer = registers.cpl === 0 ? ENOSYS : EPERM;
  registers.setGpr(RAX, BigInt.asUintN(is64Bit(registers) ? 64 : 32, answer));
  return null;
}
