/** VMCALL and VMMCALL: Linux, Documentation/virt/kvm/x86/hypercalls.rst. */

import type { HostCpu } from "../../linux/host-cpu.ts";
import { hypercall } from "../pv/hypercalls.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip } from "./skip.ts";

export function handleHypercall(vcpu: Vcpu, cpu: HostCpu, exit: Exit): null {
  skip(vcpu, cpu, exit.next);
  hypercall(vcpu, cpu);
  return null;
}
