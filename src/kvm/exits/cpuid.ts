/** CPUID of a guest: SDM Vol. 2A, "CPUID—CPU Identification". */

import { RAX, RBX, RCX, RDX } from "../../hw/cpu/system.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { answerCpuid } from "../cpuid.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip } from "./skip.ts";

export function handleCpuid(vcpu: Vcpu, cpu: HostCpu, exit: Exit): null {
  skip(vcpu, cpu, exit);
  const { registers } = vcpu;
  const low = (number: number): number => Number(BigInt.asUintN(32, registers.gpr(number)));
  const answer = answerCpuid(vcpu.state.cpuid, registers, low(RAX), low(RCX));
  registers.setGpr(RAX, BigInt(answer.eax));
  registers.setGpr(RBX, BigInt(answer.ebx));
  registers.setGpr(RCX, BigInt(answer.ecx));
  registers.setGpr(RDX, BigInt(answer.edx));
  return null;
}
