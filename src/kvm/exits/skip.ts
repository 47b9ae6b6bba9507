/** The end of an instruction that an exit has stood for. Linux, arch/x86/kvm/x86.c, kvm_skip_emulated_instruction. */

import type { HostCpu } from "../../linux/host-cpu.ts";
import { afterInstruction } from "../events.ts";
import { completed } from "../guest-debug.ts";
import type { Vcpu } from "../vcpu.ts";

/** Registers are where they can be changed; the guest goes on behind the instruction. */
export function skip(vcpu: Vcpu, cpu: HostCpu, next: bigint): void {
  vcpu.toRegisters(cpu);
  const { registers } = vcpu;
  const trap = afterInstruction(registers);
  registers.rip = next;
  completed(vcpu, trap?.(registers) ?? null);
}

/** What the instruction has cost. */
export function spend(cpu: HostCpu, cycles: number): void {
  cpu.state.cycles += cycles;
  cpu.tick();
}
