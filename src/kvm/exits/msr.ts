/** RDMSR and WRMSR of a guest: Linux, arch/x86/kvm/x86.c, kvm_emulate_rdmsr, kvm_emulate_wrmsr. */

import { cyclesOfAssist } from "../../hw/cpu/cycles.ts";
import { GP0 } from "../../hw/cpu/fault.ts";
import { readMsr, writeMsr } from "../../hw/cpu/msr/access.ts";
import { RCX, readPair, writePair } from "../../hw/cpu/system.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { afterInstruction, exceptionOf } from "../events.ts";
import { accessOf } from "../msrs.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip, spend } from "./skip.ts";

const CYCLES = { RDMSR: cyclesOfAssist("RDMSR"), WRMSR: cyclesOfAssist("WRMSR") } as const;

export function handleMsr(
  vcpu: Vcpu,
  cpu: HostCpu,
  { next }: Exit,
  name: keyof typeof CYCLES,
): null {
  vcpu.toRegisters(cpu);
  if (carryOut(vcpu, cpu, name)) {
    skip(vcpu, cpu, next);
    spend(cpu, CYCLES[name]);
  } else {
    const { registers, state } = vcpu;
    afterInstruction(registers);
    state.pending = exceptionOf(registers, GP0);
  }
  return null;
}

/** False: the register is not there, or does not take the value. */
function carryOut(vcpu: Vcpu, cpu: HostCpu, name: keyof typeof CYCLES): boolean {
  const { registers } = vcpu;
  const access = accessOf(vcpu, cpu);
  const number = Number(BigInt.asUintN(32, registers.gpr(RCX)));
  if (name === "WRMSR") return writeMsr(access, number, readPair(registers));
  const value = readMsr(access, number);
  if (value !== null) writePair(registers, value);
  return value !== null;
}
