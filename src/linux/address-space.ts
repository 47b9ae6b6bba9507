/**
 * The memory of a task: regions of pages at user addresses, each page found its frame when it is first touched, 512 at
 * once where they can be a block. Linux, Documentation/mm/process_addrs.rst, Documentation/admin-guide/mm/transhuge.rst;
 * mmu notifiers: Documentation/mm/mmu_notifier.rst.
 *
 * Not modelled: protection of regions, files behind them, copy on write, swap, khugepaged.
 */

import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { Keeper } from "../sim/snapshot.ts";
import type { Errno } from "./errno.ts";
import { BLOCK_FRAMES, type FrameOwner, type Frames } from "./frames.ts";
import { Ranges } from "./ranges.ts";

/** Told before pages from `start` to `end` lose their frames: whoever uses these frames has to stop. */
export interface MmuNotifier {
  invalidate(start: number, end: number): void;
}

/** Frames of consecutive pages; 0 where there is none yet. */
interface Region {
  readonly start: number;
  readonly frames: Int32Array;
}

/** User addresses end here: the lower half of 48 bits, less a page. */
export const TASK_SIZE = 2 ** 47 - PAGE_SIZE;
const FIRST_ADDRESS = 2 ** 46;
export const BLOCK_BYTES = BLOCK_FRAMES * PAGE_SIZE;

const endOf = ({ start, frames }: Region): number => start + frames.length * PAGE_SIZE;
const pageOf = ({ start }: Region, address: number): number =>
  Math.floor((address - start) / PAGE_SIZE);
/** The first page of the aligned 2 MiB around a page, or null if they do not all lie in the region. */
function firstOfBlock(region: Region, page: number): number | null {
  const address = region.start + page * PAGE_SIZE;
  const first = page - (address % BLOCK_BYTES) / PAGE_SIZE;
  return first >= 0 && first + BLOCK_FRAMES <= region.frames.length ? first : null;
}

export class AddressSpace implements Keeper<readonly Region[]> {
  readonly #frames: Frames;
  readonly #owner: FrameOwner;
  readonly #notifiers = new Set<MmuNotifier>();
  readonly #regions = new Ranges<Region>(({ start }) => start, endOf);

  constructor(frames: Frames, owner: FrameOwner) {
    this.#frames = frames;
    this.#owner = owner;
  }

  save(): readonly Region[] {
    return this.#regions.all.map(({ start, frames }) => ({ start, frames: frames.slice() }));
  }

  load(saved: readonly Region[]): void {
    this.#regions.all = saved.map(({ start, frames }) => ({ start, frames: frames.slice() }));
  }

  register(notifier: MmuNotifier): void {
    this.#notifiers.add(notifier);
  }

  unregister(notifier: MmuNotifier): void {
    this.#notifiers.delete(notifier);
  }

  /** Anonymous memory behind all there is, with a page between: its address, which is aligned where blocks fit. */
  map(bytes: number): number {
    const last = this.#regions.all.at(-1);
    const next = last === undefined ? FIRST_ADDRESS : endOf(last) + PAGE_SIZE;
    const start = bytes < BLOCK_BYTES ? next : Math.ceil(next / BLOCK_BYTES) * BLOCK_BYTES;
    const frames = new Int32Array(Math.ceil(bytes / PAGE_SIZE));
    this.#regions.all = [...this.#regions.all, { start, frames }];
    return start;
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

  /** The frame of the page at an address, which gets one if it has none. */
  frameAt(address: number): number | Errno {
    const region = this.#regions.find(address);
    if (region === null) return "EFAULT";
    const page = pageOf(region, address);
    const held = region.frames[page] as number;
    if (held !== 0) return held;
    const block = this.#makeBlock(region, page);
    const frame = block ?? this.#frames.allocate(this.#owner);
    if (frame === null) return "ENOMEM";
    region.frames[page] = frame;
    return frame;
  }

  /** The first of the frames of the 2 MiB around an address, if they are a block's in their order; else 0. */
  blockAt(address: number): number {
    const region = this.#regions.find(address);
    if (region === null) return 0;
    const first = firstOfBlock(region, pageOf(region, address));
    if (first === null) return 0;
    const frame = region.frames[first] as number;
    if (frame % BLOCK_FRAMES !== 0) return 0;
    for (let i = 0; i < BLOCK_FRAMES; i += 1) if (region.frames[first + i] !== frame + i) return 0;
    return frame;
  }

  /** As transparent huge pages: 2 MiB of which no page has a frame get a block. The frame of the page, or null. */
  #makeBlock(region: Region, page: number): number | null {
    const first = firstOfBlock(region, page);
    if (first === null) return null;
    const { frames } = region;
    if (frames.subarray(first, first + BLOCK_FRAMES).some((frame) => frame !== 0)) return null;
    const block = this.#frames.allocateBlock(this.#owner);
    if (block === null) return null;
    for (let i = 0; i < BLOCK_FRAMES; i += 1) frames[first + i] = block + i;
    return block + page - first;
  }

  /** The frame that the page has now, or 0. */
  residentAt(address: number): number {
    const region = this.#regions.find(address);
    return region === null ? 0 : (region.frames[pageOf(region, address)] as number);
  }

  read(address: number, size: number): Uint8Array | Errno {
    const bytes = new Uint8Array(size);
    const error = this.#copy(address, size, (at, from, count) => {
      bytes.set(this.#frames.ram.bytes.subarray(at, at + count), from);
    });
    return error ?? bytes;
  }

  /** A page that is not there ends it; what lies before is written. */
  write(address: number, bytes: Uint8Array): Errno | null {
    return this.#copy(address, bytes.length, (at, from, count) => {
      this.#frames.ram.write(at, bytes.subarray(from, from + count));
    });
  }

  #copy(
    address: number,
    size: number,
    move: (at: number, from: number, count: number) => void,
  ): Errno | null {
    for (let done = 0; done < size; ) {
      const offset = (address + done) % PAGE_SIZE;
      const count = Math.min(size - done, PAGE_SIZE - offset);
      const frame = this.frameAt(address + done);
      if (typeof frame === "string") return frame;
      move(frame * PAGE_SIZE + offset, done, count);
      done += count;
    }
    return null;
  }

  #drop(start: number, end: number): void {
    for (const notifier of this.#notifiers) notifier.invalidate(start, end);
    for (const region of this.#regions.all) {
      const first = Math.max(0, (start - region.start) / PAGE_SIZE);
      const last = Math.min(region.frames.length, (end - region.start) / PAGE_SIZE);
      for (let page = first; page < last; page += 1) {
        const frame = region.frames[page] as number;
        region.frames[page] = 0;
        if (frame !== 0) this.#frames.put(frame);
      }
    }
  }
}

function rangeEnd(start: number, bytes: number): number | null {
  const end = start + Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
  const isRange = start % PAGE_SIZE === 0 && start >= 0 && bytes >= 0 && end <= TASK_SIZE;
  return isRange ? end : null;
}

/** What is left of a region without a range. */
function without(region: Region, start: number, end: number): readonly Region[] {
  const { frames } = region;
  if (end <= region.start || start >= endOf(region)) return [region];
  const before = Math.max(0, (start - region.start) / PAGE_SIZE);
  const behind = Math.min(frames.length, (end - region.start) / PAGE_SIZE);
  return [
    { start: region.start, frames: frames.slice(0, before) },
    { start: end, frames: frames.slice(behind) },
  ].filter((part) => part.frames.length > 0);
}
