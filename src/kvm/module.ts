/**
 * The KVM module of a host: virtualisation turned on on all its CPUs, and which vCPU is on which of them. Linux,
 * virt/kvm/kvm_main.c.
 */

import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import { BareEnvironment } from "../hw/cpu/environment.ts";
import type { Errno } from "../linux/errno.ts";
import type { Host } from "../linux/host.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { OpenFile, Task } from "../linux/task.ts";
import { assert } from "../sim/assert.ts";
import { guestProfile } from "./cpuid.ts";
import type { Vcpu } from "./vcpu.ts";
import { Vm } from "./vm.ts";
import type { X86Ops } from "./x86/ops.ts";
import { SvmOps } from "./x86/svm.ts";
import { VmxOps } from "./x86/vmx.ts";

/** /dev/kvm, opened. */
export class KvmDevice implements OpenFile {
  readonly kvm: Kvm;

  constructor(kvm: Kvm) {
    this.kvm = kvm;
  }

  release(): void {}
}

/** Linux, Documentation/admin-guide/kernel-parameters.txt: kvm-intel.pml. */
export interface ModuleParameters {
  readonly pml?: boolean;
}

export class Kvm {
  readonly host: Host;
  readonly ops: X86Ops;
  /** What guests get at most, and around their CPUs. */
  readonly profile: CpuProfile;
  readonly environment: BareEnvironment;
  /** By the number of the CPU. */
  readonly #loaded: (Vcpu | null)[];
  readonly #freeTags: number[] = [];
  #tags = 1;

  constructor(host: Host, { pml = true }: ModuleParameters = {}) {
    this.host = host;
    const first = cpuOf(host);
    this.profile = guestProfile(first.profile);
    this.environment = new BareEnvironment(this.profile);
    this.#loaded = host.cpus.map(() => null);
    const { ram } = host.frames;
    const isAmd = this.profile.vendor === "amd";
    this.ops = isAmd ? new SvmOps(ram, this.#frames(3)) : new VmxOps(ram, first, pml);
    for (const cpu of host.cpus) {
      this.ops.enable(cpu, this.#frames(1));
    }
  }

  createVm(task: Task): Vm | Errno {
    const root = this.host.frames.allocate("kernel");
    return root === null ? "ENOMEM" : new Vm(this, task, root);
  }

  /** The number of a VPID or ASID, or null when all are in use. */
  takeTag(): number | null {
    const free = this.#freeTags.pop();
    if (free !== undefined) return free;
    if (this.#tags === this.ops.tags) return null;
    this.#tags += 1;
    return this.#tags - 1;
  }

  giveTag(tag: number): void {
    this.#freeTags.push(tag);
  }

  /** The CPU becomes the vCPU's; who was there before, and where it was before, is over. */
  load(cpu: HostCpu, vcpu: Vcpu): void {
    const before = this.#loaded[cpu.number] ?? null;
    if (before === vcpu) return;
    if (before !== null) this.put(before);
    this.put(vcpu);
    this.#loaded[cpu.number] = vcpu;
    vcpu.loadOn(cpu);
  }

  put(vcpu: Vcpu): void {
    const { cpu } = vcpu;
    if (cpu === null) return;
    vcpu.putFrom(cpu);
    this.#loaded[cpu.number] = null;
  }

  /** Frames that follow one another: there are when the module is loaded. */
  #frames(count: number): number {
    const frames = Array.from({ length: count }, () => this.host.frames.allocate("kernel") ?? 0);
    const [first = 0] = frames;
    const follow = frames.every((frame, i) => frame !== 0 && frame === first + i);
    assert(follow, "a host has memory for the module");
    return first;
  }
}

function cpuOf({ cpus }: Host): HostCpu {
  const [cpu] = cpus;
  assert(cpu !== undefined, "a host has a CPU");
  return cpu;
}
