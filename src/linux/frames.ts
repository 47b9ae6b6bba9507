/**
 * Page frames of a host: who holds how many references to each, and which are free. Linux,
 * Documentation/mm/physical_memory.rst. A frame that is handed out is zeroed; it is free again when the last reference
 * is put. Blocks of 2 MiB are handed out as well; their frames are put one by one.
 *
 * Frames come from blocks that others have begun, and blocks from the end of memory, so that few blocks are broken. The
 * first block is never whole, since frame 0 is nobody's.
 *
 * Not modelled: zones, nodes, orders but 0 and 9.
 */

import { assert } from "../sim/assert.ts";
import { PAGE_SIZE, type PagedMemory } from "../sim/paged-memory.ts";

/** The kernel, or a task by its number. */
export type FrameOwner = "kernel" | `task ${number}`;

/** Told of what becomes of frames, for those who check. */
export interface FrameWatcher {
  allocated(frame: number, owner: FrameOwner): void;
  freed(frame: number): void;
}

/** Frames of a block. */
export const BLOCK_FRAMES = 512;
/** Frame 0 is never handed out: its number says that there is none. */
const NONE = 0;

export class Frames {
  readonly ram: PagedMemory;
  /** State: references to each frame. */
  readonly held: Int32Array;
  /** State: free frames of each block, and behind them of all. */
  readonly spare: Int32Array;
  watcher: FrameWatcher | null = null;

  constructor(ram: PagedMemory) {
    const { pageCount } = ram;
    this.ram = ram;
    this.held = new Int32Array(pageCount);
    this.held[NONE] = 1;
    this.spare = new Int32Array(Math.ceil(pageCount / BLOCK_FRAMES) + 1);
    for (let frame = NONE + 1; frame < pageCount; frame += 1) this.#count(frame, 1);
  }

  /** How many are free. */
  get free(): number {
    return this.spare.at(-1) as number;
  }

  /** A zeroed frame with one reference, or null when none is left. */
  allocate(owner: FrameOwner): number | null {
    const { held } = this;
    const block = this.#blockForOne();
    if (block < 0) return null;
    let frame = block * BLOCK_FRAMES;
    while (held[frame] !== 0) frame += 1;
    this.#take(frame, owner);
    this.ram.fill(frame * PAGE_SIZE, PAGE_SIZE, 0);
    return frame;
  }

  /** The first of 512 zeroed frames with one reference each, at a multiple of 512, or null. */
  allocateBlock(owner: FrameOwner): number | null {
    const block = this.spare.subarray(0, -1).lastIndexOf(BLOCK_FRAMES);
    if (block < 0) return null;
    const first = block * BLOCK_FRAMES;
    for (let frame = first; frame < first + BLOCK_FRAMES; frame += 1) this.#take(frame, owner);
    this.ram.fill(first * PAGE_SIZE, BLOCK_FRAMES * PAGE_SIZE, 0);
    return first;
  }

  /** One reference more. */
  get(frame: number): void {
    const references = this.references(frame);
    assert(references > 0, "a reference is taken to a frame in use");
    this.held[frame] = references + 1;
  }

  /** One reference less. */
  put(frame: number): void {
    const references = this.references(frame);
    assert(references > 0, "a frame is put no more often than it was got");
    if (references === 1) {
      this.watcher?.freed(frame);
      this.#count(frame, 1);
    }
    this.held[frame] = references - 1;
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

  #take(frame: number, owner: FrameOwner): void {
    this.held[frame] = 1;
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
