/** A VM: memory slots, the tables made from them, and vCPUs. Linux, include/linux/kvm_host.h, struct kvm. */

import type { Errno } from "../linux/errno.ts";
import type { OpenFile } from "../linux/kernel.ts";
import type { Task } from "../linux/task.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { World } from "../sim/world.ts";
import { VmEventfds } from "./eventfds.ts";
import { VmCheck } from "./ghost/vm-check.ts";
import { Irqchip } from "./irqchip/irqchip.ts";
import { Mmu, type TableUsers } from "./mmu/mmu.ts";
import type { Kvm } from "./module.ts";
import { KvmClock } from "./pv/kvmclock.ts";
import { Vcpu } from "./vcpu.ts";

/** KVM_MAX_VCPUS and KVM_MAX_VCPU_IDS. */
export const MAX_VCPUS = 1024;
export const MAX_VCPU_ID = 4096;

export interface VmParts {
  readonly number: number;
  readonly task: Task;
  /** Frame of the first of its tables. */
  readonly root: number;
  /** The host's cycles at its creation. */
  readonly created: number;
}

export class Vm implements OpenFile, TableUsers {
  readonly kvm: Kvm;
  readonly world: World;
  /** What the names of its state begin with. */
  readonly name: string;
  readonly task: Task;
  readonly eventfds: VmEventfds;
  readonly mmu: Mmu;
  readonly clock: KvmClock;
  /** In the order of their making. */
  readonly #vcpus = new Map<number, Vcpu>();
  #irqchip: Irqchip | null = null;
  /** Above all IDs of vCPUs; settled with the first of them. */
  #maxVcpuIds: number | null = null;
  /** Open files: its own, and those of its vCPUs. */
  #users = 1;

  constructor(kvm: Kvm, { number, task, root, created }: VmParts) {
    this.kvm = kvm;
    this.world = kvm.host.world;
    this.name = `${kvm.host.prefix}vm${number}`;
    this.task = task;
    this.eventfds = new VmEventfds(this);
    this.clock = new KvmClock(this, created);
    const { ghost } = kvm;
    this.mmu = new Mmu({
      world: this.world,
      frames: kvm.host.frames,
      memory: task.memory,
      users: this,
      root,
      ops: kvm.ops,
      addressBits: kvm.profile.physicalBits,
      check: ghost === null ? null : (mmu) => new VmCheck(this, mmu, ghost),
    });
    this.world.registry.keeper(`${this.name}.slots`, this.mmu.slots);
  }

  get vcpus(): readonly Vcpu[] {
    return [...this.#vcpus.values()];
  }

  /** The interrupt controllers, when the module has them. */
  get irqchip(): Irqchip | null {
    return this.#irqchip;
  }

  /** Comes before the vCPUs, each of which gets a local APIC. */
  createIrqchip(): Errno | null {
    if (this.#irqchip !== null) return "EEXIST";
    if (this.#vcpus.size > 0) return "EINVAL";
    this.#irqchip = new Irqchip(this);
    return null;
  }

  createVcpu(id: number): Vcpu | Errno {
    this.#maxVcpuIds ??= MAX_VCPU_ID;
    if (id >= this.#maxVcpuIds || this.#vcpus.size >= MAX_VCPUS) return "EINVAL";
    if (this.#vcpus.has(id)) return "EEXIST";
    const { ops, host } = this.kvm;
    const control = host.frames.allocate("kernel");
    const log = ops.logsPages ? host.frames.allocate("kernel") : 0;
    const tag = this.kvm.takeTag();
    if (control === null || log === null || tag === null) {
      for (const frame of [control ?? 0, log ?? 0]) if (frame !== 0) host.frames.put(frame);
      if (tag !== null) this.kvm.giveTag(tag);
      return "ENOMEM";
    }
    const vcpu = new Vcpu(this, {
      id,
      index: this.#vcpus.size,
      control,
      tag,
      root: this.mmu.tables.root,
      log,
      hasApic: this.#irqchip !== null,
    });
    this.#vcpus.set(id, vcpu);
    this.#irqchip?.add(vcpu);
    this.kvm.opened(vcpu);
    this.clock.changed();
    this.#users += 1;
    return vcpu;
  }

  /** KVM_CAP_MAX_VCPU_ID: once, and before there are vCPUs. */
  limitVcpuIds(most: bigint): Errno | null {
    if (most > BigInt(MAX_VCPU_ID)) return "EINVAL";
    const settled = this.#maxVcpuIds;
    if (settled !== null) return most === BigInt(settled) ? null : "EINVAL";
    // 0 says nothing.
    if (most !== 0n) this.#maxVcpuIds = Number(most);
    return null;
  }

  /** The physical address of memory at a guest-physical one, or null where user space answers. `write`: to be written. */
  place(address: number, write: boolean): number | null {
    const gfn = Math.floor(address / PAGE_SIZE);
    const page = this.mmu.page(gfn, write);
    if (page.is !== "frame") return null;
    if (write) this.mmu.markDirty(gfn);
    return page.frame * PAGE_SIZE + (address % PAGE_SIZE);
  }

  /** Whoever writes memory in a guest's stead says so, for the dirty log. */
  markDirty(gfn: number): void {
    this.mmu.markDirty(gfn);
  }

  flush(): void {
    for (const vcpu of this.#vcpus.values()) vcpu.flush();
  }

  sync(): void {
    for (const vcpu of this.#vcpus.values()) vcpu.sync();
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.eventfds.release();
    this.task.memory.unregister(this.mmu);
    for (const vcpu of this.#vcpus.values()) vcpu.destroy();
    this.mmu.destroy();
  }
}
