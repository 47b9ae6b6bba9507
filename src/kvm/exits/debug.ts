/** Exceptions of a guest that are user space's: Linux, Documentation/virt/kvm/api.rst, "The kvm_run structure" (KVM_EXIT_DEBUG). */

import type { HostCpu } from "../../linux/host-cpu.ts";
import { report } from "../guest-debug.ts";
import type { Vcpu } from "../vcpu.ts";

export function handleException(
  vcpu: Vcpu,
  cpu: HostCpu,
  { vector, debug }: { readonly vector: number; readonly debug: number },
): 0 {
  vcpu.toRegisters(cpu);
  return report(vcpu, vector, debug);
}
