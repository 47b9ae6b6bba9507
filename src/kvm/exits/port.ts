/**
 * IN and OUT between a port and a register: the exit says all that the instruction would, so it is not fetched. Linux,
 * arch/x86/kvm/x86.c, kvm_fast_pio. String instructions are carried out (instruction.ts).
 */

import type { AccessSize } from "../../hw/chips/socket.ts";
import { cyclesOfAssist } from "../../hw/cpu/cycles.ts";
import { RAX, writeGpr } from "../../hw/cpu/system.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { valueOf } from "../ioctls/kvm-run.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { ask, nextWrite } from "./devices.ts";
import { skip, spend } from "./skip.ts";

export interface PortAccess {
  readonly port: number;
  readonly size: AccessSize;
  readonly input: boolean;
}

/** An IN whose value user space has: where it is, and what is behind it. */
export interface WaitingInput {
  readonly size: AccessSize;
  readonly rip: bigint;
  readonly next: bigint;
}

const CYCLES = { in: cyclesOfAssist("IN"), out: cyclesOfAssist("OUT") } as const;

export function handlePort(vcpu: Vcpu, cpu: HostCpu, exit: Exit, access: PortAccess): 0 | null {
  return access.input ? input(vcpu, cpu, exit, access) : output(vcpu, cpu, exit, access);
}

function output(vcpu: Vcpu, cpu: HostCpu, { next }: Exit, { port, size }: PortAccess): 0 | null {
  skip(vcpu, cpu, next);
  spend(cpu, CYCLES.out);
  const value = BigInt.asUintN(8 * size, vcpu.registers.gpr(RAX));
  vcpu.state.writes = [{ space: "port", address: port, size, write: true, value }];
  return nextWrite(vcpu);
}

function input(vcpu: Vcpu, cpu: HostCpu, { next }: Exit, { port, size }: PortAccess): 0 | null {
  vcpu.toRegisters(cpu);
  const value = vcpu.devices.readPort(port, size);
  if (value !== null) {
    finish(vcpu, cpu, next, size, BigInt(value >>> 0));
    return null;
  }
  vcpu.state.input = { size, rip: vcpu.registers.rip, next };
  return ask(vcpu, { space: "port", address: port, size, write: false });
}

/** User space has given the value, unless it has put the vCPU elsewhere meanwhile. */
export function finishInput(vcpu: Vcpu, cpu: HostCpu, { size, rip, next }: WaitingInput): void {
  vcpu.state.input = null;
  if (vcpu.registers.rip === rip) finish(vcpu, cpu, next, size, valueOf(vcpu.run.io.data, size));
}

function finish(vcpu: Vcpu, cpu: HostCpu, next: bigint, size: AccessSize, value: bigint): void {
  skip(vcpu, cpu, next);
  spend(cpu, CYCLES.in);
  const { registers } = vcpu;
  if (size === 1) registers.setGpr8(RAX, false, Number(value));
  else writeGpr(registers, RAX, 8 * size, value);
}
