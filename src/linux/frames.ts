/**
 * Page frames of a host: who holds how many references to each, and which are free. Linux,
 * Documentation/mm/physical_memory.rst. A frame that is handed out is zeroed; it is free again when the last reference
 * is put.
 *
 * Not modelled: zones, nodes, orders above 0.
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

/** Frame 0 is never handed out: its number says that there is none. */
const FIRST = 1;
/** Words before those of the frames: the first free frame, and how many are free. */
const [HEAD, COUNT, FRAMES] = [0, 1, 2];

export class Frames {
  readonly ram: PagedMemory;
  /** All state: of a frame in use its references, of a free one minus the number of the next. */
  readonly words: Int32Array;
  watcher: FrameWatcher | null = null;

  constructor(ram: PagedMemory) {
    this.ram = ram;
    this.words = new Int32Array(FRAMES + ram.pageCount);
    this.words[FRAMES] = 1;
    for (let frame = ram.pageCount - 1; frame >= FIRST; frame -= 1) this.#release(frame);
  }

  /** How many are free. */
  get free(): number {
    return this.words[COUNT] as number;
  }

  /** A zeroed frame with one reference, or null when none is left. */
  allocate(owner: FrameOwner): number | null {
    const { words, ram } = this;
    const frame = words[HEAD] as number;
    if (frame === 0) return null;
    words[HEAD] = -(words[FRAMES + frame] as number);
    words[COUNT] = this.free - 1;
    words[FRAMES + frame] = 1;
    ram.fill(frame * PAGE_SIZE, PAGE_SIZE, 0);
    this.watcher?.allocated(frame, owner);
    return frame;
  }

  /** One reference more. */
  get(frame: number): void {
    const references = this.references(frame);
    assert(references > 0, "a reference is taken to a frame in use");
    this.words[FRAMES + frame] = references + 1;
  }

  /** One reference less. */
  put(frame: number): void {
    const references = this.references(frame);
    assert(references > 0, "a frame is put no more often than it was got");
    if (references > 1) {
      this.words[FRAMES + frame] = references - 1;
      return;
    }
    this.watcher?.freed(frame);
    this.#release(frame);
  }

  /** 0 for a free frame. */
  references(frame: number): number {
    return Math.max(0, this.words[FRAMES + frame] ?? 0);
  }

  #release(frame: number): void {
    this.words[FRAMES + frame] = -(this.words[HEAD] as number);
    this.words[HEAD] = frame;
    this.words[COUNT] = this.free + 1;
  }
}
