/** An instruction carried out in the guest's stead, and the devices that it talks to: KVM_EXIT_IO and KVM_EXIT_MMIO. */

import type { HostCpu } from "../../linux/host-cpu.ts";
import {
  type DeviceData,
  type DeviceRead,
  emulate,
  type InKernel,
  writeInKernel,
} from "../emulate.ts";
import { completed } from "../guest-debug.ts";
import { EXIT, IO_DIRECTION, setValue, valueOf } from "../ioctls/kvm-run.ts";
import type { Vcpu } from "../vcpu.ts";
import { internalError } from "./to-user.ts";

export function handleInstruction(vcpu: Vcpu, cpu: HostCpu): 0 | null {
  vcpu.toRegisters(cpu);
  const { registers, vm, state, environment } = vcpu;
  registers.cycles = cpu.state.cycles;
  const outcome = emulate({
    state: registers,
    environment,
    inKernel: devicesOf(vcpu),
    decoder: cpu.decoder,
    physical: cpu.physical,
    find: (address, write) => vm.place(address, write),
    answers: state.answers,
  });
  cpu.state.cycles = registers.cycles;
  cpu.tick();
  if (outcome.is === "waits") {
    state.waiting = outcome.read;
    state.answers = outcome.used;
    return ask(vcpu, outcome.read);
  }
  state.answers = [];
  if (outcome.is === "impossible") return internalError(vcpu.run, "EMULATION");
  state.pending = outcome.event;
  if (outcome.is === "raises") return null;
  completed(vcpu, outcome.event);
  if (outcome.stale) vcpu.flush();
  state.writes = outcome.writes;
  return nextWrite(vcpu);
}

/** At the start of KVM_RUN: what user space has done belongs to an instruction. */
export function continueInstruction(vcpu: Vcpu, cpu: HostCpu): 0 | null {
  const { run, state } = vcpu;
  const { waiting } = state;
  if (waiting === null) return nextWrite(vcpu);
  const { data } = waiting.space === "port" ? run.io : run.mmio;
  const answer = { ...waiting, value: valueOf(data, waiting.size) };
  state.waiting = null;
  state.answers = [...state.answers, answer];
  return handleInstruction(vcpu, cpu);
}

function nextWrite(vcpu: Vcpu): 0 | null {
  const { state } = vcpu;
  for (;;) {
    const [write, ...others] = state.writes;
    state.writes = others;
    if (write === undefined) return null;
    if (writeInKernel(devicesOf(vcpu), write) || vcpu.vm.eventfds.take(write)) continue;
    return ask(vcpu, write);
  }
}

function devicesOf({ vm, index }: Vcpu): InKernel {
  const { irqchip } = vm;
  return {
    readPort: (port, size) => irqchip?.readPort(port, size) ?? null,
    writePort: (port, size, value) => irqchip?.writePort(port, size, value) === true,
    readMemory: (address, size) => irqchip?.readMemory(index, address, size) ?? null,
    writeMemory: (address, size, value) =>
      irqchip?.writeMemory(index, address, size, value) === true,
  };
}

function ask({ run }: Vcpu, access: DeviceRead | DeviceData): 0 {
  const { space, address, size, write } = access;
  const value = "value" in access ? access.value : 0n;
  if (space === "port") {
    run.exit_reason = EXIT.IO;
    run.io.direction = write ? IO_DIRECTION.out : IO_DIRECTION.in;
    run.io.port = address;
    run.io.size = size;
    run.io.count = 1;
    setValue(run.io.data, size, value);
    return 0;
  }
  run.exit_reason = EXIT.MMIO;
  run.mmio.phys_addr = BigInt(address);
  run.mmio.len = size;
  run.mmio.is_write = write ? 1 : 0;
  setValue(run.mmio.data, size, value);
  return 0;
}
