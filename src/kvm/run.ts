/**
 * KVM_RUN: entries and exits until user space has something to do. It can be left at a limit of cycles, and goes on
 * when it is called again. Linux, arch/x86/kvm/x86.c, vcpu_run.
 */

import type { Errno } from "../linux/errno.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import { assert } from "../sim/assert.ts";
import { endHalt, polls } from "./halt-polling.ts";
import { handleExit } from "./exits/index.ts";
import { continueInstruction } from "./exits/instruction.ts";
import { reportStep } from "./guest-debug.ts";
import { takeEvents } from "./interrupts.ts";
import type { Caller } from "./ioctls/ioctl.ts";
import { EXIT } from "./ioctls/kvm-run.ts";
import { settleEoi } from "./pv/eoi.ts";
import type { Vcpu } from "./vcpu.ts";
import { BIT } from "../hw/cpu/state.ts";
import { readSlot } from "../hw/cpu/msr/slots.ts";

/**
 * 0: user space has the vCPU. "limit": KVM_RUN is not over. "sleeps": nor is it, and the thread is woken when there is
 * something to do.
 */
export type RunResult = 0 | Errno | "limit" | "sleeps";

export function runVcpu(vcpu: Vcpu, caller: Caller): RunResult {
  const { cpu } = caller;
  const { state } = vcpu;
  vcpu.vm.kvm.load(cpu, vcpu);
  if (!state.isRunning) {
    state.isRunning = true;
    state.runner = caller.thread ?? -1;
    const asked = continueInstruction(vcpu, cpu);
    if (asked !== null) return toUser(vcpu, cpu, asked);
    if (vcpu.run.immediate_exit !== 0) {
      vcpu.run.exit_reason = EXIT.INTR;
      return toUser(vcpu, cpu, "EINTR");
    }
  }
  for (;;) {
    const result = step(vcpu, caller);
    if (result === "limit" || result === "sleeps") return result;
    if (result !== null) return toUser(vcpu, cpu, result);
  }
}

function step(vcpu: Vcpu, caller: Caller): RunResult | null {
  const { cpu } = caller;
  const { state } = vcpu;
  if (cpu.state.cycles < state.heldUntil) return sleep(vcpu, caller);
  if (state.exit !== null) {
    const { exit } = state;
    state.exit = null;
    settleEoi(vcpu);
    const result = handleExit(vcpu, cpu, exit);
    payForMemory(vcpu, caller);
    return result;
  }
  if (state.isStepped) return reportStep(vcpu);
  if (!cpu.state.isGuest) {
    if (cpu.state.cycles >= caller.limit) return "limit";
    if (caller.hasSignal === true) {
      vcpu.run.exit_reason = EXIT.INTR;
      return "EINTR";
    }
    const windows = takeEvents(vcpu, cpu);
    if (windows === null) return polls(vcpu, caller) ? null : sleep(vcpu, caller);
    endHalt(vcpu, cpu);
    vcpu.enter(cpu, windows);
    if (state.exit !== null) return null;
  }
  const stop = cpu.run(caller.limit);
  cpu.tick();
  if (stop === "limit") return "limit";
  assert(stop === "VM exit", "a guest is left by an exit");
  cpu.isWanted = false;
  vcpu.left(cpu);
  return null;
}

/** What the task's memory has cost: its CPU was busy, and a group over memory.high waits. Linux, mm/memcontrol.c, mem_cgroup_handle_over_high. */
function payForMemory({ state, vm }: Vcpu, { cpu, thread = null }: Caller): void {
  const { busy, held } = vm.task.memory.takeCosts();
  cpu.state.cycles += busy;
  if (held === 0) return;
  if (thread === null) cpu.state.cycles += held;
  else {
    state.heldUntil = cpu.state.cycles + held;
    vm.kvm.host.scheduler.wakeAt(thread, state.heldUntil);
  }
}

/** Linux, virt/kvm/kvm_main.c, kvm_vcpu_block. */
function sleep(vcpu: Vcpu, { thread = null }: Caller): "sleeps" {
  vcpu.state.sleeper = thread ?? -1;
  return "sleeps";
}

function toUser(vcpu: Vcpu, cpu: HostCpu, result: 0 | Errno): 0 | Errno {
  vcpu.toRegisters(cpu);
  vcpu.state.isRunning = false;
  const { run, registers } = vcpu;
  run.if_flag = registers.hasFlag(BIT.RFLAGS.IF) ? 1 : 0;
  run.cr8 = registers.control("CR8");
  run.apic_base = readSlot(registers, "IA32_APIC_BASE");
  return result;
}
