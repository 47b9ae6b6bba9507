/**
 * KVM_RUN: entries and exits until user space has something to do. It can be left at a limit of cycles, and goes on
 * when it is called again. Linux, arch/x86/kvm/x86.c, vcpu_run.
 */

import type { Errno } from "../linux/errno.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import { assert } from "../sim/assert.ts";
import { handleExit } from "./exits/index.ts";
import { continueInstruction } from "./exits/instruction.ts";
import { EXIT } from "./kvm-run.ts";
import type { Vcpu } from "./vcpu.ts";
import { BIT } from "../hw/cpu/state.ts";
import { readSlot } from "../hw/cpu/msr/slots.ts";

/** 0: user space has the vCPU. "limit": KVM_RUN is not over. */
export type RunResult = 0 | Errno | "limit";

export function runVcpu(vcpu: Vcpu, cpu: HostCpu, limit: number): RunResult {
  vcpu.vm.kvm.load(cpu, vcpu);
  if (!vcpu.isRunning) {
    vcpu.isRunning = true;
    const asked = continueInstruction(vcpu, cpu);
    if (asked !== null) return toUser(vcpu, cpu, asked);
    if (vcpu.run.immediate_exit !== 0) {
      vcpu.run.exit_reason = EXIT.INTR;
      return toUser(vcpu, cpu, "EINTR");
    }
  }
  for (;;) {
    const result = step(vcpu, cpu, limit);
    if (result === "limit") return "limit";
    if (result !== null) return toUser(vcpu, cpu, result);
  }
}

function step(vcpu: Vcpu, cpu: HostCpu, limit: number): RunResult | null {
  if (vcpu.exit !== null) {
    const { exit } = vcpu;
    vcpu.exit = null;
    return handleExit(vcpu, cpu, exit);
  }
  if (!cpu.state.isGuest) {
    if (cpu.state.cycles >= limit) return "limit";
    vcpu.enter(cpu);
    if (vcpu.exit !== null) return null;
  }
  const stop = cpu.run(limit);
  if (stop === "limit") return "limit";
  assert(stop === "VM exit", "a guest is left by an exit");
  vcpu.left(cpu);
  return null;
}

function toUser(vcpu: Vcpu, cpu: HostCpu, result: 0 | Errno): 0 | Errno {
  vcpu.toRegisters(cpu);
  vcpu.isRunning = false;
  const { run, registers } = vcpu;
  run.if_flag = registers.hasFlag(BIT.RFLAGS.IF) ? 1 : 0;
  run.cr8 = registers.control("CR8");
  run.apic_base = readSlot(registers, "IA32_APIC_BASE");
  return result;
}
