/**
 * Page frames of a host: who holds how many references to each, which group each is charged to, and which are free. Linux,
 * Documentation/mm/physical_memory.rst. A frame that is handed out is zeroed; it is free again when the last reference
 * is put. Blocks of 2 MiB are handed out as well; their frames are put one by one.
 *
 * Frames come from blocks that others have begun, and blocks from the end of memory, so that few blocks are broken. The
 * first block is never whole, since frame 0 is nobody's.
 *
 * Not modelled: zones, nodes, orders but 0 and 9.
 */

import { assert } from "../../sim/assert.ts";
import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";

/** The kernel, or a task by its number. */
export type FrameOwner = "kernel" | `task ${number}`;

/** Told of what becomes of frames, for those who check. */
export interface FrameWatcher {
  allocated(frame: number, owner: FrameOwner): void;
  /** Another has it too. */
  shared(frame: number, owner: FrameOwner): void;
  freed(frame: number): void;
}

/** Who keeps account of frames that are charged, or merged into. */
export interface FrameAccounts {
  uncharge(group: number): void;
  unmerge(frame: number): void;
}

/** Frames of a block. */
export const BLOCK_FRAMES = 512;
/** Frame 0 is never handed out: its number says that there is none. */
const NONE = 0;
/** The kernel's own frames are charged to nobody. */
const UNCHARGED = -1;

export class Frames {
  readonly ram: PagedMemory;
  /** State: references to each frame. */
  readonly held: Int32Array;
  /** State: free frames of each block, and behind them of all. */
  readonly spare: Int32Array;
  /** State: the group that each frame in use is charged to. */
  readonly charged: Int32Array;
  /** State: 1 for a frame that pages of equal content were merged into. */
  readonly merged: Uint8Array;
  watcher: FrameWatcher | null = null;
  accounts: FrameAccounts | null = null;

  constructor(ram: PagedMemory) {
    const { pageCount } = ram;
    this.ram = ram;
    this.held = new Int32Array(pageCount);
    this.held[NONE] = 1;
    this.charged = new Int32Array(pageCount).fill(UNCHARGED);
    this.merged = new Uint8Array(pageCount);
    this.spare = new Int32Array(Math.ceil(pageCount / BLOCK_FRAMES) + 1);
    for (let frame = NONE + 1; frame < pageCount; frame += 1) this.#count(frame, 1);
  }

  /** How many are free. */
  get free(): number {
    return this.spare.at(-1) as number;
  }

  /** A zeroed frame with one reference, or null when none is left. Who charged it to a group says so. */
  allocate(owner: FrameOwner, group = UNCHARGED): number | null {
    const { held } = this;
    const block = this.#blockForOne();
    if (block < 0) return null;
    let frame = block * BLOCK_FRAMES;
    while (held[frame] !== 0) frame += 1;
    this.#take(frame, owner, group);
    this.ram.fill(frame * PAGE_SIZE, PAGE_SIZE, 0);
    return frame;
  }

  /** The first of 512 zeroed frames with one reference each, at a multiple of 512, or null. */
  allocateBlock(owner: FrameOwner, group = UNCHARGED): number | null {
    const block = this.spare.subarray(0, -1).lastIndexOf(BLOCK_FRAMES);
    if (block < 0) return null;
    const first = block * BLOCK_FRAMES;
    for (let frame = first; frame < first + BLOCK_FRAMES; frame += 1)
      this.#take(frame, owner, group);
    this.ram.fill(first * PAGE_SIZE, BLOCK_FRAMES * PAGE_SIZE, 0);
    return first;
  }

  /** One reference more, for another owner or the same. */
  get(frame: number, owner: FrameOwner): void {
    const references = this.references(frame);
    assert(references > 0, "a reference is taken to a frame in use");
    this.held[frame] = references + 1;
    this.watcher?.shared(frame, owner);
  }

  /** One reference less. */
  put(frame: number): void {
    const references = this.references(frame);
    assert(references > 0, "a frame is put no more often than it was got");
    this.held[frame] = references - 1;
    if (references === 1) this.#free(frame);
  }

  /** 0 for a free frame. */
  references(frame: number): number {
    return this.held[frame] ?? 0;
  }

  /** The first block that somebody has begun, else the first; -1 when nothing is free. */
  #blockForOne(): number {
    const blocks = this.spare.subarray(0, -1);
    const begun = blocks.findIndex((free) => free > 0 && free < BLOCK_FRAMES);
    return begun < 0 ? blocks.indexOf(BLOCK_FRAMES) : begun;
  }

  #free(frame: number): void {
    this.watcher?.freed(frame);
    this.#count(frame, 1);
    if (this.merged[frame] === 1) this.accounts?.unmerge(frame);
    this.merged[frame] = 0;
    const group = this.charged[frame] as number;
    this.charged[frame] = UNCHARGED;
    if (group !== UNCHARGED) this.accounts?.uncharge(group);
  }

  #take(frame: number, owner: FrameOwner, group: number): void {
    this.held[frame] = 1;
    this.charged[frame] = group;
    this.#count(frame, -1);
    this.watcher?.allocated(frame, owner);
  }

  #count(frame: number, change: 1 | -1): void {
    const { spare } = this;
    const block = Math.floor(frame / BLOCK_FRAMES);
    spare[block] = (spare[block] as number) + change;
    spare[spare.length - 1] = this.free + change;
  }
}
