/**
 * The memory of a task: regions of pages at user addresses. A page gets its frame when it is first touched, 512 at once
 * where they can be a block; it may lose it to the swap device, and share it until it is written. Linux,
 * Documentation/mm/process_addrs.rst, Documentation/admin-guide/mm/transhuge.rst; mm/memory.c, do_anonymous_page,
 * do_swap_page, do_wp_page; mmu notifiers: Documentation/mm/mmu_notifier.rst.
 *
 * Not modelled: protection of regions, files behind them, khugepaged.
 */

import { assert } from "../../sim/assert.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Keeper } from "../../sim/snapshot.ts";
import type { Errno } from "../errno.ts";
import { Ranges } from "../ranges.ts";
import { BLOCK_FRAMES, type FrameOwner, type Frames } from "./frames.ts";
import * as entries from "./page-entry.ts";
import {
  addressOf,
  copyOf,
  endOf,
  firstOfBlock,
  newRegion,
  pageOf,
  pagesWithin,
  placeBehind,
  rangeEnd,
  type Region,
  TASK_SIZE,
  without,
} from "./regions.ts";
import type { Swap } from "./swap.ts";

/** Whoever uses frames of a task beside it. */
export interface MmuNotifier {
  /** Told before pages from `start` to `end` lose their frames, or the right to write them: it has to stop using them. */
  invalidate(start: number, end: number): void;
  /** Whether the page was used since this was last asked. */
  clearYoung(address: number): boolean;
}

/** What an address space takes its frames from. */
export interface Backing {
  readonly frames: Frames;
  readonly swap: Swap;
  /** A zeroed frame, charged to a group; others may lose theirs for it. Null when there is none. */
  allocate(owner: FrameOwner, group: number): number | null;
  /** Cycles that a group which is over its high mark has to wait for a page. */
  penaltyOf(group: number): number;
  /** 512 in a row, if that costs nobody anything. */
  allocateBlock(owner: FrameOwner, group: number): number | null;
}

/** Cycles that accesses have cost: on the CPU, and waiting. */
export interface MemoryCosts {
  readonly busy: number;
  readonly held: number;
}

/** A page that is there. */
export interface ResidentPage {
  readonly frame: number;
  /** False while others may have the frame. */
  readonly isWritable: boolean;
}

interface Saved {
  readonly regions: readonly Region[];
  readonly group: number;
  readonly hand: number;
  readonly recent: readonly number[];
  readonly costs: MemoryCosts;
}

/** Pages that were touched last keep their frames: somebody may be about to use them, as if references were held. */
export const RECENT_PAGES = 8;
/** To decompress a page. */
const SWAP_IN_CYCLES = 4000;
/** A hundredth of a second, and MEMCG_MAX_HIGH_DELAY_JIFFIES. */
const [LEAST_HOLD, MOST_HOLD] = [10_000_000, 2_000_000_000];
const FREE: MemoryCosts = { busy: 0, held: 0 };

export class AddressSpace implements Keeper<Saved> {
  readonly owner: FrameOwner;
  /** The group that new frames are charged to. */
  group = 0;
  readonly #backing: Backing;
  readonly #notifiers = new Set<MmuNotifier>();
  readonly #regions = new Ranges<Region>(({ start }) => start, endOf);
  /** Where the search for pages that nobody uses goes on. */
  #hand = 0;
  #recent: readonly number[] = [];
  #resident = 0;
  #costs: MemoryCosts = FREE;

  constructor(backing: Backing, owner: FrameOwner) {
    this.#backing = backing;
    this.owner = owner;
  }

  save(): Saved {
    const regions = this.#regions.all.map(copyOf);
    const [hand, recent, costs] = [this.#hand, this.#recent, this.#costs];
    return { regions, group: this.group, hand, recent, costs };
  }

  load({ regions, group, hand, recent, costs }: Saved): void {
    this.#regions.all = regions.map(copyOf);
    this.group = group;
    this.#hand = hand;
    this.#recent = recent;
    this.#costs = costs;
    this.#resident = regions.reduce((sum, { pages }) => sum + countResident(pages), 0);
  }

  register(notifier: MmuNotifier): void {
    this.#notifiers.add(notifier);
  }

  unregister(notifier: MmuNotifier): void {
    this.#notifiers.delete(notifier);
  }

  /** Pages that have a frame. */
  get resident(): number {
    return this.#resident;
  }

  /** Anonymous memory behind all there is: its address. */
  map(bytes: number): number {
    const start = placeBehind(this.#regions.all.at(-1), bytes);
    this.#regions.all = [...this.#regions.all, newRegion(start, bytes)];
    return start;
  }

  /** Memory that holds what another task has there, without a copy until either writes it: as fork(2) leaves it. */
  mapCopy(source: AddressSpace, start: number, bytes: number): number | Errno {
    const end = rangeEnd(start, bytes);
    if (end === null) return "EINVAL";
    const at = this.map(bytes);
    source.#share(start, end, (address, entry) => {
      this.#set(address - start + at, entry);
      if (entries.isResident(entry)) this.#backing.frames.get(entries.frameOf(entry), this.owner);
    });
    return at;
  }

  /** What was never mapped in the range is passed over, as munmap(2) does. */
  unmap(start: number, bytes: number): Errno | null {
    const end = rangeEnd(start, bytes);
    if (end === null || bytes === 0) return "EINVAL";
    this.#drop(start, end);
    this.#regions.all = this.#regions.all.flatMap((region) => without(region, start, end));
    return null;
  }

  /** The pages are zeros again when they are next touched: madvise(2), MADV_DONTNEED. */
  discard(start: number, bytes: number): Errno | null {
    const end = rangeEnd(start, bytes);
    if (end === null) return "EINVAL";
    this.#drop(start, end);
    return null;
  }

  /** Everything is unmapped. */
  destroy(): void {
    this.#drop(0, TASK_SIZE);
    this.#regions.all = [];
  }

  /** The page at an address as an access needs it: it gets a frame if it has none, and one of its own to be written. */
  touch(address: number, write: boolean): ResidentPage | Errno {
    const region = this.#regions.find(address);
    if (region === null) return "EFAULT";
    const page = pageOf(region, address);
    const start = addressOf(region, page);
    if (this.#recent[0] !== start)
      this.#recent = [start, ...this.#recent.slice(0, RECENT_PAGES - 1)];
    const entry = this.#entryFor(region, page, write);
    if (entry === entries.NONE) return "ENOMEM";
    return { frame: entries.frameOf(entry), isWritable: !entries.isShared(entry) };
  }

  /** What its accesses have cost and nobody has spent yet. */
  takeCosts(): MemoryCosts {
    const { busy, held } = this.#costs;
    if (busy === 0 && held < LEAST_HOLD) return FREE;
    // Less than that is left for the next time.
    const [now, later] = held < LEAST_HOLD ? [0, held] : [Math.min(held, MOST_HOLD), 0];
    this.#costs = { busy: 0, held: later };
    return { busy, held: now };
  }

  /** What is known of a page now. */
  entryAt(address: number): number {
    const region = this.#regions.find(address);
    return region === null ? entries.NONE : (region.pages[pageOf(region, address)] as number);
  }

  /** The frame that the page has now, or 0. */
  residentAt(address: number): number {
    const entry = this.entryAt(address);
    return entries.isResident(entry) ? entries.frameOf(entry) : 0;
  }

  /** The first of the frames of the 2 MiB around an address, if they are a block's in their order, and its own; else 0. */
  blockAt(address: number): number {
    const region = this.#regions.find(address);
    if (region === null) return 0;
    const first = firstOfBlock(region, pageOf(region, address));
    if (first === null) return 0;
    const frame = region.pages[first] as number;
    if (!entries.isResident(frame) || frame % BLOCK_FRAMES !== 0) return 0;
    for (let i = 0; i < BLOCK_FRAMES; i += 1) if (region.pages[first + i] !== frame + i) return 0;
    return entries.isShared(frame) ? 0 : frame;
  }

  read(address: number, size: number): Uint8Array | Errno {
    const bytes = new Uint8Array(size);
    const error = this.#copy(address, size, false, (at, from, count) => {
      bytes.set(this.#backing.frames.ram.bytes.subarray(at, at + count), from);
    });
    return error ?? bytes;
  }

  /** A page that is not there ends it; what lies before is written. */
  write(address: number, bytes: Uint8Array): Errno | null {
    return this.#copy(address, bytes.length, true, (at, from, count) => {
      this.#backing.frames.ram.write(at, bytes.subarray(from, from + count));
    });
  }

  /** Nobody writes the page any more without a frame of its own. */
  protect(address: number): void {
    const frame = this.residentAt(address);
    if (frame === 0) return;
    this.#tell(address, address + PAGE_SIZE);
    this.#set(address, entries.sharedFrame(frame));
  }

  /** The page has another frame of the same content from now on, which it may not write. */
  replace(address: number, frame: number): void {
    this.#backing.frames.get(frame, this.owner);
    this.#drop(address, address + PAGE_SIZE);
    this.#set(address, entries.sharedFrame(frame));
  }

  /**
   * Looks at so many resident pages, one behind the other and round again: those that nobody uses go to the swap device,
   * until as many are free as are wanted.
   */
  swapOut(pages: number, wanted = pages): number {
    const { swap } = this.#backing;
    let freed = 0;
    for (let left = Math.min(pages, this.#resident); left > 0; left -= 1) {
      if (freed === wanted || swap.used === swap.capacity) break;
      const address = this.#nextResident();
      this.#hand = address + PAGE_SIZE;
      if (this.#isUsed(address)) continue;
      this.#evict(address);
      freed += 1;
    }
    return freed;
  }

  /** The first from the hand on, or from the beginning; there is one. */
  #nextResident(): number {
    for (const from of [this.#hand, 0])
      for (const region of this.#regions.all) {
        const [first] = pagesWithin(region, from, TASK_SIZE);
        const found = region.pages.subarray(first).findIndex(entries.isResident);
        if (found >= 0) return addressOf(region, first + found);
      }
    return 0;
  }

  /** Shared frames stay: only one of those who have them is known here. */
  #isUsed(address: number): boolean {
    if (this.#recent.includes(address) || entries.isShared(this.entryAt(address))) return true;
    return [...this.#notifiers].some((notifier) => notifier.clearYoung(address));
  }

  #evict(address: number): void {
    const { frames, swap } = this.#backing;
    // Whoever writes the page must have stopped before it is copied.
    this.#tell(address, address + PAGE_SIZE);
    const at = this.residentAt(address) * PAGE_SIZE;
    const slot = swap.write(frames.ram.read(at, PAGE_SIZE));
    assert(slot !== null, "there is room");
    this.#release(address, address + PAGE_SIZE);
    this.#set(address, entries.swapped(slot));
  }

  /** The entry of a page that has a frame, its own if it is to be written; 0 when there is none. */
  #entryFor(region: Region, page: number, write: boolean): number {
    const entry = region.pages[page] as number;
    if (entry === entries.NONE) return this.#demand(region, page);
    if (entries.isSwapped(entry)) return this.#swapIn(region, page, entries.slotOf(entry));
    if (write && entries.isShared(entry)) return this.#unshare(region, page, entry);
    return entry;
  }

  #demand(region: Region, page: number): number {
    if (this.#makeBlock(region, page)) return region.pages[page] as number;
    return this.#allocate(region, page);
  }

  /** As transparent huge pages: 2 MiB of which no page has a frame get a block. */
  #makeBlock(region: Region, page: number): boolean {
    const first = firstOfBlock(region, page);
    if (first === null) return false;
    const { pages } = region;
    if (pages.subarray(first, first + BLOCK_FRAMES).some((entry) => entry !== entries.NONE))
      return false;
    const block = this.#backing.allocateBlock(this.owner, this.group);
    if (block === null) return false;
    for (let i = 0; i < BLOCK_FRAMES; i += 1)
      this.#enter(region, first + i, entries.ownFrame(block + i));
    return true;
  }

  #allocate(region: Region, page: number): number {
    const frame = this.#backing.allocate(this.owner, this.group);
    if (frame === null) return entries.NONE;
    this.#spend(0, this.#backing.penaltyOf(this.group));
    return this.#enter(region, page, entries.ownFrame(frame));
  }

  #spend(busy: number, held: number): void {
    if (busy + held > 0)
      this.#costs = { busy: this.#costs.busy + busy, held: this.#costs.held + held };
  }

  #swapIn(region: Region, page: number, slot: number): number {
    const { frames, swap } = this.#backing;
    const entry = this.#allocate(region, page);
    if (entry === entries.NONE) return entry;
    frames.ram.write(entries.frameOf(entry) * PAGE_SIZE, swap.read(slot));
    swap.put(slot);
    this.#spend(SWAP_IN_CYCLES, 0);
    return entry;
  }

  /** A copy of its own; the last one who has a frame keeps it, unless equal pages are still merged into it. */
  #unshare(region: Region, page: number, entry: number): number {
    const { frames } = this.#backing;
    const old = entries.frameOf(entry);
    const isLast = frames.references(old) === 1 && frames.merged[old] === 0;
    if (isLast) return this.#enter(region, page, entries.ownFrame(old));
    const frame = this.#backing.allocate(this.owner, this.group);
    if (frame === null) return entries.NONE;
    frames.ram.write(frame * PAGE_SIZE, frames.ram.read(old * PAGE_SIZE, PAGE_SIZE));
    const address = addressOf(region, page);
    this.#drop(address, address + PAGE_SIZE);
    return this.#enter(region, page, entries.ownFrame(frame));
  }

  /** Pages of a range become another's as well. */
  #share(start: number, end: number, take: (address: number, entry: number) => void): void {
    this.#tell(start, end);
    for (const region of this.#regions.all) {
      const [first, last] = pagesWithin(region, start, end);
      for (let page = first; page < last; page += 1) {
        const entry = region.pages[page] as number;
        if (entries.isSwapped(entry)) this.#backing.swap.share(entries.slotOf(entry));
        const isHere = entries.isResident(entry);
        const shared = isHere ? entries.sharedFrame(entries.frameOf(entry)) : entry;
        take(addressOf(region, page), this.#enter(region, page, shared));
      }
    }
  }

  #set(address: number, entry: number): void {
    const region = this.#regions.find(address);
    if (region !== null) this.#enter(region, pageOf(region, address), entry);
  }

  #enter({ pages }: Region, page: number, entry: number): number {
    this.#resident += Number(entries.isResident(entry));
    this.#resident -= Number(entries.isResident(pages[page] as number));
    pages[page] = entry;
    return entry;
  }

  #copy(
    address: number,
    size: number,
    write: boolean,
    move: (at: number, from: number, count: number) => void,
  ): Errno | null {
    for (let done = 0; done < size; ) {
      const offset = (address + done) % PAGE_SIZE;
      const count = Math.min(size - done, PAGE_SIZE - offset);
      const page = this.touch(address + done, write);
      if (typeof page === "string") return page;
      move(page.frame * PAGE_SIZE + offset, done, count);
      done += count;
    }
    return null;
  }

  #tell(start: number, end: number): void {
    for (const notifier of this.#notifiers) notifier.invalidate(start, end);
  }

  #drop(start: number, end: number): void {
    this.#tell(start, end);
    this.#release(start, end);
  }

  #release(start: number, end: number): void {
    const { frames, swap } = this.#backing;
    for (const region of this.#regions.all) {
      const [first, last] = pagesWithin(region, start, end);
      for (let page = first; page < last; page += 1) {
        const entry = region.pages[page] as number;
        this.#enter(region, page, entries.NONE);
        if (entries.isResident(entry)) frames.put(entries.frameOf(entry));
        else if (entries.isSwapped(entry)) swap.put(entries.slotOf(entry));
      }
    }
  }
}

function countResident(pages: Int32Array): number {
  let count = 0;
  for (const entry of pages) if (entries.isResident(entry)) count += 1;
  return count;
}
