/** An instruction carried out in the guest's stead. Linux, arch/x86/kvm/x86.c, x86_emulate_instruction, complete_userspace_io. */

import type { HostCpu } from "../../linux/host-cpu.ts";
import { emulate } from "../emulate.ts";
import { completed } from "../guest-debug.ts";
import { valueOf } from "../ioctls/kvm-run.ts";
import type { Vcpu } from "../vcpu.ts";
import { ask, nextWrite } from "./devices.ts";
import { finishInput } from "./port.ts";
import { internalError } from "./to-user.ts";

export function handleInstruction(vcpu: Vcpu, cpu: HostCpu): 0 | null {
  vcpu.toRegisters(cpu);
  const { registers, vm, state, environment } = vcpu;
  registers.cycles = cpu.state.cycles;
  const outcome = emulate({
    state: registers,
    environment,
    inKernel: vcpu.devices,
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
  const { waiting, input } = state;
  if (input !== null) finishInput(vcpu, cpu, input);
  if (waiting === null) return nextWrite(vcpu);
  const { data } = waiting.space === "port" ? run.io : run.mmio;
  const answer = { ...waiting, value: valueOf(data, waiting.size) };
  state.waiting = null;
  state.answers = [...state.answers, answer];
  return handleInstruction(vcpu, cpu);
}
