/** CPUID of a guest: SDM Vol. 2A, "CPUID—CPU Identification". */

import { carryOutCpuid } from "../../hw/cpu/system.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { answerCpuid } from "../cpuid.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip } from "./skip.ts";

export function handleCpuid(vcpu: Vcpu, cpu: HostCpu, exit: Exit): null {
  skip(vcpu, cpu, exit.next);
  const { registers } = vcpu;
  carryOutCpuid(registers, (leaf, subleaf) => {
    const { eax, ebx, ecx, edx } = answerCpuid(vcpu.state.cpuid, registers, leaf, subleaf);
    return { EAX: eax, EBX: ebx, ECX: ecx, EDX: edx };
  });
  return null;
}
