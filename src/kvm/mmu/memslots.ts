/**
 * The memory slots of a VM: which guest-physical pages are which of its task's. Linux, Documentation/virt/kvm/api.rst,
 * "KVM_SET_USER_MEMORY_REGION".
 */

import { TASK_SIZE } from "../../linux/mm/regions.ts";
import type { Errno } from "../../linux/errno.ts";
import { Ranges } from "../../linux/ranges.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Keeper } from "../../sim/snapshot.ts";

const KVM_MEM_LOG_DIRTY_PAGES = 1;
const KVM_MEM_READONLY = 2;

/** KVM_USER_MEM_SLOTS: 15 bits, less those that the kernel keeps for itself. */
export const USER_SLOTS = 0x7fff - 3;
const MOST_PAGES = 2 ** 31 - 1;

/** Frame numbers are of guest-physical pages. */
export interface Slot {
  readonly slot: number;
  readonly flags: number;
  readonly firstGfn: number;
  readonly pages: number;
  readonly hva: number;
  /** Pages that were written, a bit each; null while nobody wants to know. */
  readonly dirty: Uint8Array | null;
}

export const isReadOnly = ({ flags }: Slot): boolean => (flags & KVM_MEM_READONLY) !== 0;

/** In words of 64 bits, as user space gets them. */
const bitmapBytes = (pages: number): number => 8 * Math.ceil(pages / 64);

/** The page was written. */
export function mark({ dirty, firstGfn }: Slot, gfn: number): void {
  const page = gfn - firstGfn;
  if (dirty !== null) dirty[page >>> 3] = (dirty[page >>> 3] as number) | (1 << (page & 7));
}

export function isMarked({ dirty, firstGfn }: Slot, gfn: number): boolean {
  const page = gfn - firstGfn;
  return ((dirty?.[page >>> 3] ?? 0) & (1 << (page & 7))) !== 0;
}

/** The pages that are marked. */
export function markedIn({ dirty, firstGfn }: Slot): readonly number[] {
  const found: number[] = [];
  for (const [at, byte] of (dirty ?? []).entries())
    for (let bit = 0; byte >>> bit !== 0; bit += 1)
      if ((byte & (1 << bit)) !== 0) found.push(firstGfn + 8 * at + bit);
  return found;
}

/** As in struct kvm_userspace_memory_region. */
export interface RegionArgument {
  readonly slot: number;
  readonly flags: number;
  readonly guest_phys_addr: bigint;
  readonly memory_size: bigint;
  readonly userspace_addr: bigint;
}

/** What a host allows: bits of guest-physical addresses, and bytes for bitmaps. */
export interface SlotLimits {
  readonly addressBits: number;
  readonly bitmapBytes: number;
}

/** What has to be done to change the slots: the old one goes, the new one comes. */
export interface SlotChange {
  readonly old: Slot | null;
  readonly next: Slot | null;
}

const endOf = ({ firstGfn, pages }: Slot): number => firstGfn + pages;
const overlap = (a: Slot, b: Slot): boolean => a.firstGfn < endOf(b) && b.firstGfn < endOf(a);

export class Memslots implements Keeper<readonly Slot[]> {
  readonly #slots = new Ranges<Slot>(({ firstGfn }) => firstGfn, endOf);
  #areLogging = false;

  save(): readonly Slot[] {
    return this.all.map((slot) => ({ ...slot, dirty: slot.dirty?.slice() ?? null }));
  }

  load(saved: readonly Slot[]): void {
    this.#set(saved.map((slot) => ({ ...slot, dirty: slot.dirty?.slice() ?? null })));
  }

  /** In the order of guest-physical pages. */
  get all(): readonly Slot[] {
    return this.#slots.all;
  }

  find(gfn: number): Slot | null {
    return this.#slots.find(gfn);
  }

  /** One of them at least. */
  get areLogging(): boolean {
    return this.#areLogging;
  }

  withNumber(slot: number): Slot | null {
    return this.all.find((one) => one.slot === slot) ?? null;
  }

  /** The change that an argument asks for, or why it cannot be: the checks of kvm_set_memory_region, in their order. */
  check(argument: RegionArgument, limits: SlotLimits): SlotChange | Errno {
    const { slot, flags, memory_size: size, guest_phys_addr: gpa } = argument;
    const { userspace_addr: hva } = argument;
    const ofPages = (value: bigint): boolean => value % BigInt(PAGE_SIZE) === 0n;
    if ((flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)) !== 0) return "EINVAL";
    if (![size, gpa, hva].every(ofPages)) return "EINVAL";
    if (hva + size > BigInt(TASK_SIZE) || slot >= USER_SLOTS) return "EINVAL";
    if (gpa + size > 1n << BigInt(limits.addressBits)) return "EINVAL";
    const pages = Number(size) / PAGE_SIZE;
    if (pages > MOST_PAGES) return "EINVAL";
    const old = this.withNumber(slot);
    if (pages === 0) return old === null ? "EINVAL" : { old, next: null };
    const firstGfn = Number(gpa) / PAGE_SIZE;
    const next: Slot = { slot, flags, firstGfn, pages, hva: Number(hva), dirty: null };
    if (old !== null) {
      const isOther = next.hva !== old.hva || pages !== old.pages;
      if (isOther || isReadOnly(next) !== isReadOnly(old)) return "EINVAL";
    }
    if (this.all.some((one) => one !== old && overlap(one, next))) return "EEXIST";
    if ((flags & KVM_MEM_LOG_DIRTY_PAGES) === 0) return { old, next };
    const bytes = bitmapBytes(pages);
    const kept = old?.dirty ?? null;
    // Twice, since KVM_GET_DIRTY_LOG needs room for a copy.
    if (kept === null && 2 * bytes > limits.bitmapBytes) return "ENOMEM";
    return { old, next: { ...next, dirty: kept ?? new Uint8Array(bytes) } };
  }

  apply({ old, next }: SlotChange): void {
    const kept = this.all.filter((one) => one !== old);
    this.#set(next === null ? kept : [...kept, next]);
  }

  #set(slots: readonly Slot[]): void {
    this.#slots.all = slots;
    this.#areLogging = this.all.some(({ dirty }) => dirty !== null);
  }
}
