/** A VM: memory slots, the tables made from them, and vCPUs. Linux, include/linux/kvm_host.h, struct kvm. */

import type { Errno } from "../linux/errno.ts";
import { isErrno } from "../linux/errno.ts";
import type { MmuNotifier } from "../linux/address-space.ts";
import type { OpenFile, Task } from "../linux/task.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { World } from "../sim/world.ts";
import { VmEventfds } from "./eventfds.ts";
import { Irqchip } from "./irqchip/irqchip.ts";
import { isReadOnly, Memslots, type RegionArgument, type Slot } from "./mmu/memslots.ts";
import { TdpTables } from "./mmu/tdp.ts";
import type { Kvm } from "./module.ts";
import { Vcpu } from "./vcpu.ts";

/** KVM_MAX_VCPUS and KVM_MAX_VCPU_IDS. */
export const MAX_VCPUS = 1024;
export const MAX_VCPU_ID = 4096;

/** What a guest-physical page is: a frame, nothing (user space answers for it), or an error of the task's memory. */
export type GuestPage =
  | { readonly is: "frame"; readonly frame: number; readonly writable: boolean }
  | { readonly is: "device" }
  | { readonly is: "error"; readonly error: Errno };

const DEVICE: GuestPage = { is: "device" };

export class Vm implements OpenFile, MmuNotifier {
  readonly kvm: Kvm;
  readonly world: World;
  /** What the names of its state begin with. */
  readonly name: string;
  readonly task: Task;
  readonly eventfds: VmEventfds;
  readonly slots = new Memslots();
  readonly tables: TdpTables;
  /** In the order of their making. */
  readonly #vcpus = new Map<number, Vcpu>();
  #irqchip: Irqchip | null = null;
  /** Above all IDs of vCPUs; settled with the first of them. */
  #maxVcpuIds: number | null = null;
  /** Open files: its own, and those of its vCPUs. */
  #users = 1;

  constructor(kvm: Kvm, number: number, task: Task, root: number) {
    this.kvm = kvm;
    this.world = kvm.host.world;
    this.name = `${kvm.host.prefix}vm${number}`;
    this.task = task;
    this.eventfds = new VmEventfds(this);
    this.tables = new TdpTables(kvm.host.frames, root, kvm.ops.leafBits);
    task.memory.register(this);
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
    const control = this.kvm.host.frames.allocate("kernel");
    if (control === null) return "ENOMEM";
    const tag = this.kvm.takeTag();
    if (tag === null) {
      this.kvm.host.frames.put(control);
      return "ENOMEM";
    }
    const vcpu = new Vcpu(this, {
      id,
      index: this.#vcpus.size,
      control,
      tag,
      root: this.tables.root,
      hasApic: this.#irqchip !== null,
    });
    this.#vcpus.set(id, vcpu);
    this.#irqchip?.add(vcpu);
    this.kvm.opened(vcpu);
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

  setRegion(argument: RegionArgument): Errno | null {
    const change = this.slots.check(argument, this.kvm.profile.physicalBits);
    if (isErrno(change)) return change;
    this.slots.apply(change);
    const { old, next } = change;
    if (old !== null && old.firstGfn !== next?.firstGfn)
      this.#zap(old.firstGfn, old.firstGfn + old.pages);
    return null;
  }

  /** What is at a guest-physical page; its frame is got if it has none yet. */
  page(gfn: number, write: boolean): GuestPage {
    const slot = this.slots.find(gfn);
    if (slot === null || (write && isReadOnly(slot))) return DEVICE;
    const frame = this.task.memory.frameAt(hvaOf(slot, gfn));
    if (isErrno(frame)) return { is: "error", error: frame };
    return { is: "frame", frame, writable: !isReadOnly(slot) };
  }

  /** The physical address of memory at a guest-physical one, or null where user space answers. */
  place(address: number, write: boolean): number | null {
    const page = this.page(Math.floor(address / PAGE_SIZE), write);
    return page.is === "frame" ? page.frame * PAGE_SIZE + (address % PAGE_SIZE) : null;
  }

  /** Pages of the task lose their frames. */
  invalidate(start: number, end: number): void {
    for (const { hva, firstGfn, pages } of this.slots.all) {
      const first = Math.max(0, Math.floor((start - hva) / PAGE_SIZE));
      const last = Math.min(pages, Math.ceil((end - hva) / PAGE_SIZE));
      if (first < last) this.#zap(firstGfn + first, firstGfn + last);
    }
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.eventfds.release();
    this.task.memory.unregister(this);
    for (const vcpu of this.#vcpus.values()) vcpu.destroy();
    this.tables.free();
  }

  /** No CPU uses the translations any more when it returns. */
  #zap(first: number, end: number): void {
    if (!this.tables.zap(first, end)) return;
    for (const vcpu of this.#vcpus.values()) vcpu.flush();
  }
}

export const hvaOf = ({ hva, firstGfn }: Slot, gfn: number): number =>
  hva + (gfn - firstGfn) * PAGE_SIZE;
