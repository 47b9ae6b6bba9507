/**
 * The KVM module of a host: virtualisation turned on on all its CPUs, and which vCPU is on which of them. Linux,
 * virt/kvm/kvm_main.c.
 */

import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import { BareEnvironment } from "../hw/cpu/environment.ts";
import { powerUp } from "../hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState } from "../hw/cpu/state.ts";
import type { Errno } from "../linux/errno.ts";
import { populate } from "../linux/fs/populate.ts";
import type { Host } from "../linux/host.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { OpenFile } from "../linux/kernel.ts";
import type { Task } from "../linux/task.ts";
import { assert } from "../sim/assert.ts";
import { guestProfile } from "./cpuid.ts";
import type { Cell } from "../sim/snapshot.ts";
import { Ghost } from "./ghost/ghost.ts";
import { markPreempted } from "./pv/steal-time.ts";
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

interface ModuleState {
  /** How many VMs there have been. */
  vms: number;
  /** VPIDs or ASIDs: the first that was never given, and those that were given back. */
  tags: number;
  freeTags: number[];
}

export interface ModuleParameters {
  /** Linux, Documentation/admin-guide/kernel-parameters.txt: kvm-intel.pml. */
  readonly pml?: boolean;
  /** The tables of VMs are compared with the ghost at each release of an mmu lock and each VM exit. */
  readonly checks?: boolean;
  /** halt_poll_ns (Documentation/virt/kvm/halt-polling.rst): how long a vCPU looks for events before it sleeps, at most; 0 where nothing is said. */
  readonly haltPollNs?: number;
}

export class Kvm {
  readonly host: Host;
  readonly haltPollNs: number;
  readonly ops: X86Ops;
  /** What guests get at most, and around their CPUs. */
  readonly profile: CpuProfile;
  readonly environment: BareEnvironment;
  /** When runs are checked. */
  readonly ghost: Ghost | null;
  readonly #vcpus = new Set<Vcpu>();
  /** By the number of the CPU; the vCPUs say the same. */
  readonly #loaded: (Vcpu | null)[];
  readonly #cell: Cell<ModuleState>;

  constructor(host: Host, { pml = true, checks = false, haltPollNs = 0 }: ModuleParameters = {}) {
    this.host = host;
    this.ghost = checks ? ghostOf(host) : null;
    this.haltPollNs = haltPollNs;
    const first = cpuOf(host);
    this.profile = guestProfile(first.profile);
    this.environment = new BareEnvironment(this.profile);
    this.#loaded = host.cpus.map(() => null);
    host.scheduler.onSwitchOut = (cpu) => {
      const vcpu = this.#loaded[cpu.number] ?? null;
      if (vcpu !== null) this.#preempt(vcpu);
    };
    addDevice(this);
    const { registry } = host.world;
    this.#cell = registry.plain<ModuleState>(`${host.prefix}kvm`, {
      vms: 0,
      tags: 1,
      freeTags: [],
    });
    registry.derived(() => {
      this.#loaded.fill(null);
      for (const vcpu of this.#vcpus) if (vcpu.cpu !== null) this.#loaded[vcpu.cpu.number] = vcpu;
    });
    const { ram } = host.frames;
    const isAmd = this.profile.vendor === "amd";
    this.ops = isAmd ? new SvmOps(ram, this.#frames(3)) : new VmxOps(ram, first, pml);
    for (const cpu of host.cpus) {
      this.ops.enable(cpu, this.#frames(1));
    }
  }

  createVm(task: Task, created: number): Vm | Errno {
    const root = this.host.frames.allocate("kernel");
    if (root === null) return "ENOMEM";
    const state = this.#cell.value;
    state.vms += 1;
    return new Vm(this, { number: state.vms - 1, task, root, created });
  }

  /** Registers of a vCPU that nobody has touched. */
  registersAtReset(): CpuState {
    const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
    powerUp(state, this.environment);
    return state;
  }

  /** The number of a VPID or ASID, or null when all are in use. */
  takeTag(): number | null {
    const state = this.#cell.value;
    const free = state.freeTags.pop();
    if (free !== undefined) return free;
    if (state.tags === this.ops.tags) return null;
    state.tags += 1;
    return state.tags - 1;
  }

  giveTag(tag: number): void {
    this.#cell.value.freeTags.push(tag);
  }

  /** A vCPU is there, and one is no more. */
  opened(vcpu: Vcpu): void {
    this.#vcpus.add(vcpu);
  }

  closed(vcpu: Vcpu): void {
    this.put(vcpu);
    this.#vcpus.delete(vcpu);
  }

  /** The CPU becomes the vCPU's; who was there before, and where it was before, is over. */
  load(cpu: HostCpu, vcpu: Vcpu): void {
    const before = this.#loaded[cpu.number] ?? null;
    if (before === vcpu) return;
    if (before !== null) this.#preempt(before);
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

  #preempt(vcpu: Vcpu): void {
    this.put(vcpu);
    markPreempted(vcpu);
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

/** /dev/kvm, of the last module that was loaded. */
function addDevice(kvm: Kvm): void {
  const { kernel } = kvm.host;
  const isThere = kernel.drivers.has("kvm");
  kernel.drivers.set("kvm", {
    open(_by, file) {
      kernel.standFor(file, new KvmDevice(kvm));
      return null;
    },
  });
  if (!isThere) populate(kernel, "/dev/kvm", { kind: "character", driver: "kvm" });
}

/** Frames that have been handed out by now are nobody's. */
function ghostOf({ frames, world, prefix }: Host): Ghost {
  const ghost = new Ghost(frames);
  world.registry.keeper(`${prefix}kvm.ghost`, ghost);
  world.registry.derived(() => ghost.forgetMappings());
  return ghost;
}

function cpuOf({ cpus }: Host): HostCpu {
  const [cpu] = cpus;
  assert(cpu !== undefined, "a host has a CPU");
  return cpu;
}
