/**
 * The memory of a VM: slots, the tables made from them on faults, and the dirty log. Linux, arch/x86/kvm/mmu/mmu.c,
 * virt/kvm/kvm_main.c.
 *
 * While a slot logs, a page that the tables let a guest write is in the slot's bitmap: pages that are not lack the right
 * to be written, and the fault of a write marks the page and gives the right. Where CPUs log pages (PML), it is the dirty
 * flag that only pages in the bitmap have, or in the log of a CPU; each exit takes them from there. Blocks of 2 MiB are
 * not written meanwhile: the first write to one makes it pages again.
 */

import type { AddressSpace, MmuNotifier } from "../../linux/mm/address-space.ts";
import { type Errno, isErrno } from "../../linux/errno.ts";
import { BLOCK_FRAMES, type Frames } from "../../linux/mm/frames.ts";
import { BLOCK_BYTES } from "../../linux/mm/regions.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import { MmuLocks, type TableCheck } from "./locks.ts";
import {
  isReadOnly,
  mark,
  markedIn,
  Memslots,
  type RegionArgument,
  type Slot,
  type SlotChange,
  USER_SLOTS,
} from "./memslots.ts";
import { TdpTables } from "./tdp.ts";
import { mutant } from "../../sim/mutants.ts";
import type { World } from "../../sim/world.ts";
import type { X86Ops } from "../x86/ops.ts";

/** What a guest-physical page is: a frame, nothing (user space answers for it), or an error of the task's memory. */
export type GuestPage =
  | { readonly is: "frame"; readonly frame: number; readonly writable: boolean }
  | { readonly is: "device" }
  | { readonly is: "error"; readonly error: Errno };

const DEVICE: GuestPage = { is: "device" };
const NO_MEMORY: GuestPage = { is: "error", error: "ENOMEM" };

/** The vCPUs, which use the tables. */
export interface TableUsers {
  /** No CPU uses older translations any more when it returns. */
  flush(): void;
  /** None is in the guest, and what CPUs have logged is in the bitmaps, when it returns. */
  sync(): void;
}

const MOVED_SLOT_STAYS_MAPPED = mutant({
  id: "CVE-2013-4592",
  class: "MMU",
  says: "A slot is moved, or removed, and what its old place mapped stays mapped.",
  cites: "Linux, virt/kvm/kvm_main.c, __kvm_set_memory_region; CVE-2013-4592",
  breaks: ["TLB", "QUOTA"],
});

export interface MmuParts {
  readonly world: World;
  readonly frames: Frames;
  readonly memory: AddressSpace;
  readonly users: TableUsers;
  /** Frame of the first table. */
  readonly root: number;
  readonly ops: X86Ops;
  readonly addressBits: number;
  /** Made of the tables, when they are to be checked. */
  readonly check: ((mmu: Mmu) => TableCheck) | null;
}

export class Mmu implements MmuNotifier {
  readonly slots = new Memslots();
  readonly tables: TdpTables;
  readonly locks: MmuLocks;
  readonly #frames: Frames;
  readonly #memory: AddressSpace;
  readonly #users: TableUsers;
  readonly #addressBits: number;
  readonly #logsPages: boolean;
  readonly #movesLeaveMappings: boolean;

  constructor({ world, frames, memory, users, root, ops, addressBits, check }: MmuParts) {
    this.#movesLeaveMappings = world.carries(MOVED_SLOT_STAYS_MAPPED);
    this.locks = new MmuLocks({
      flush: () => users.flush(),
      put: (frame) => frames.put(frame),
    });
    this.tables = new TdpTables({ frames, locks: this.locks, root, format: ops });
    this.locks.check = check?.(this) ?? null;
    this.#logsPages = ops.logsPages;
    this.#frames = frames;
    this.#memory = memory;
    this.#users = users;
    this.#addressBits = addressBits;
    memory.register(this);
  }

  setRegion(argument: RegionArgument): Errno | null {
    return this.locks.withSlots(() => {
      const bitmapBytes = this.#frames.free * PAGE_SIZE;
      const change = this.slots.check(argument, { addressBits: this.#addressBits, bitmapBytes });
      if (isErrno(change)) return change;
      // What CPUs have logged belongs to the slots of before.
      this.#sync();
      this.locks.withMmu(() => this.#change(change));
      return null;
    });
  }

  #change(change: SlotChange): void {
    this.slots.apply(change);
    const { old, next } = change;
    if (old === null) return;
    const [first, end] = [old.firstGfn, old.firstGfn + old.pages];
    if (first !== next?.firstGfn) {
      if (!this.#movesLeaveMappings) this.tables.zap(first, end);
    } else if (old.dirty !== null && next.dirty === null) this.#zapBlocks(first, end);
    else if (old.dirty === null && next.dirty !== null) this.#watch(first, end);
    this.locks.flush();
  }

  /** What is at a guest-physical page; its frame is got if it has none yet. */
  page(gfn: number, write: boolean): GuestPage {
    const slot = this.slots.find(gfn);
    if (slot === null || (write && isReadOnly(slot))) return DEVICE;
    this.locks.mayFault();
    const page = this.#memory.touch(hvaOf(slot, gfn), write);
    if (isErrno(page)) return { is: "error", error: page };
    return { is: "frame", frame: page.frame, writable: page.isWritable && !isReadOnly(slot) };
  }

  /** The same for a guest whose access has found no translation: it has one now, if the page is a frame. */
  fault(gfn: number, write: boolean): GuestPage {
    const page = this.page(gfn, write);
    if (page.is !== "frame") return page;
    return this.locks.withMmu(() => {
      if (!this.#map(gfn, page.frame, page.writable)) return NO_MEMORY;
      // A read as well: what can be written is in the log.
      if (page.writable) this.markDirty(gfn);
      return page;
    });
  }

  /** The page is written, and not by a guest's CPU. */
  markDirty(gfn: number): void {
    const slot = this.slots.find(gfn);
    if (slot !== null) mark(slot, gfn);
  }

  /** KVM_GET_DIRTY_LOG: pages written since the last time, a bit each, go to a user address. */
  getDirtyLog(number: number, address: number): Errno | null {
    if (number >= USER_SLOTS) return "EINVAL";
    return this.locks.withSlots(() => {
      const slot = this.slots.withNumber(number);
      if (slot === null || slot.dirty === null) return "ENOENT";
      this.#sync();
      const bitmap = slot.dirty.slice();
      this.locks.withMmu(() => this.#watchAnew(slot));
      this.locks.mayFault();
      return this.#memory.write(address, bitmap);
    });
  }

  /** Pages of the task lose their frames. */
  invalidate(start: number, end: number): void {
    this.locks.withMmu(() => {
      for (const { hva, firstGfn, pages } of this.slots.all) {
        const first = Math.max(0, Math.floor((start - hva) / PAGE_SIZE));
        const last = Math.min(pages, Math.ceil((end - hva) / PAGE_SIZE));
        if (first < last) this.tables.zap(firstGfn + first, firstGfn + last);
      }
      this.locks.flush();
    });
    this.locks.compareAnew();
  }

  clearYoung(address: number): boolean {
    return this.locks.withMmu(() =>
      this.slots.all.some(({ hva, firstGfn, pages }) => {
        const page = Math.floor((address - hva) / PAGE_SIZE);
        return page >= 0 && page < pages && this.tables.clearAccessed(firstGfn + page);
      }),
    );
  }

  /** No vCPU is left. */
  destroy(): void {
    this.locks.withMmu(() => {
      this.tables.zap(0, Infinity);
      this.locks.flush();
    });
    this.locks.check?.end();
    this.#frames.put(this.tables.root);
  }

  #sync(): void {
    if (this.#logsPages) this.#users.sync();
  }

  /** The next write to a page is noticed. */
  #watch(first: number, end: number): void {
    if (this.#logsPages) this.tables.clean(first, end);
    else this.tables.protect(first, end);
  }

  /** No page of a slot has been written. */
  #watchAnew(slot: Slot): void {
    const marked = markedIn(slot);
    slot.dirty?.fill(0);
    for (const gfn of marked) this.#watch(gfn, gfn + 1);
    this.locks.flush();
  }

  /** A page with the 2 MiB around it, if that can be. */
  #map(gfn: number, frame: number, writable: boolean): boolean {
    const block = this.#blockAt(gfn);
    if (block === 0) return this.tables.map(gfn, frame, writable);
    const first = startOfBlock(gfn);
    this.tables.zap(first, first + BLOCK_FRAMES);
    this.locks.flush();
    return this.tables.map(first, block, writable, true);
  }

  /** The block of frames that a guest-physical block is, or 0: within its slot, aligned there and here, and not logged. */
  #blockAt(gfn: number): number {
    const slot = this.slots.find(gfn);
    const first = startOfBlock(gfn);
    if (slot === null || slot.dirty !== null || first < slot.firstGfn) return 0;
    if (first + BLOCK_FRAMES > slot.firstGfn + slot.pages) return 0;
    const hva = hvaOf(slot, first);
    return hva % BLOCK_BYTES === 0 ? this.#memory.blockAt(hva) : 0;
  }

  /** What was mapped page by page for the log is to be mapped at once again. */
  #zapBlocks(first: number, end: number): void {
    for (let gfn = startOfBlock(first); gfn < end; gfn += BLOCK_FRAMES)
      if (this.#blockAt(gfn) !== 0) this.tables.zap(gfn, gfn + BLOCK_FRAMES);
  }
}

const startOfBlock = (gfn: number): number => gfn - (gfn % BLOCK_FRAMES);

export const hvaOf = ({ hva, firstGfn }: Slot, gfn: number): number =>
  hva + (gfn - firstGfn) * PAGE_SIZE;
