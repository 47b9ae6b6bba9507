/**
 * The tables of two-dimensional paging: from guest-physical pages to host frames, four levels of 4 KiB pages, in frames
 * of the host. Those of EPT and of nested paging differ in few bits. SDM Vol. 3, "EPT Translation Mechanism"; APM Vol.
 * 2, "Nested Paging".
 *
 * A guest-physical page has at most one place in them, which its slot and number tell. So they are their own reverse
 * map (Linux, struct kvm_rmap_head, which shadow tables need): from a page of the task by way of the slots to what maps
 * it.
 *
 * Not made yet: pages of 2 MiB. Tables that have become empty stay until the VM ends.
 */

import type { Frames } from "../../linux/frames.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";

/** Present, or readable: bit 0 in both formats, as bit 1 is the right to write in both. */
const [PRESENT, WRITE] = [1, 2];
const TABLE = 7;
/** Users may reach it, or code be executed in it. */
const OPEN = 4;
const ENTRIES = 512;
/** Pages below an entry, from the root on. */
const SPANS = [2 ** 27, 2 ** 18, 2 ** 9, 1] as const;
const LAST = SPANS.length - 1;

/** A page that is mapped. */
export interface Leaf {
  readonly gfn: number;
  readonly frame: number;
  readonly writable: boolean;
  readonly dirty: boolean;
}

/** Of entries that map a page: bits beside rights, and the dirty flag. */
export interface LeafFormat {
  readonly leafBits: number;
  readonly dirtyBit: number;
}

export class TdpTables {
  /** Frame of the first table. */
  readonly root: number;
  readonly #frames: Frames;
  readonly #leafBits: number;
  readonly #dirtyBit: number;

  constructor(frames: Frames, root: number, { leafBits, dirtyBit }: LeafFormat) {
    this.root = root;
    this.#frames = frames;
    this.#leafBits = leafBits;
    this.#dirtyBit = dirtyBit;
  }

  /** False when there are no frames for tables. */
  map(gfn: number, frame: number, writable: boolean): boolean {
    const { ram } = this.#frames;
    let table = this.root;
    for (let level = 0; level < LAST; level += 1) {
      const at = entryAt(table, gfn, level);
      const entry = ram.read32(at);
      let next = entry >>> 12;
      if ((entry & PRESENT) === 0) {
        const made = this.#frames.allocate("kernel");
        if (made === null) return false;
        next = made;
        ram.write32(at, next * PAGE_SIZE + TABLE);
      }
      table = next;
    }
    // What may be written counts as written, so that CPUs need not say so.
    const rights = PRESENT | OPEN | (writable ? WRITE | this.#dirtyBit : 0);
    ram.write32(entryAt(table, gfn, LAST), frame * PAGE_SIZE + (rights | this.#leafBits));
    return true;
  }

  /** Takes the mappings of pages away; false when there were none. Flushing TLBs is up to who asks. */
  zap(first: number, end: number): boolean {
    let found = false;
    this.#visit(this.root, 0, 0, first, end, (at) => {
      this.#frames.ram.write32(at, 0);
      found = true;
    });
    return found;
  }

  /** Takes the right to write pages away. */
  protect(first: number, end: number): void {
    this.#clear(WRITE, first, end);
  }

  /** Takes the dirty flags of pages away. */
  clean(first: number, end: number): void {
    this.#clear(this.#dirtyBit, first, end);
  }

  #clear(bit: number, first: number, end: number): void {
    const { ram } = this.#frames;
    this.#visit(this.root, 0, 0, first, end, (at) => {
      const entry = ram.read32(at);
      if ((entry & bit) !== 0) ram.write32(at, (entry & ~bit) >>> 0);
    });
  }

  leaves(): readonly Leaf[] {
    const found: Leaf[] = [];
    this.#visit(this.root, 0, 0, 0, Infinity, (at, gfn) => {
      const entry = this.#frames.ram.read32(at);
      const [writable, dirty] = [(entry & WRITE) !== 0, (entry & this.#dirtyBit) !== 0];
      found.push({ gfn, frame: entry >>> 12, writable, dirty });
    });
    return found;
  }

  /** All frames that hold tables. */
  tables(): readonly number[] {
    return this.#tablesBelow(this.root, 0);
  }

  free(): void {
    for (const frame of this.tables()) this.#frames.put(frame);
  }

  #tablesBelow(table: number, level: number): number[] {
    if (level === LAST) return [table];
    const found = [table];
    for (let i = 0; i < ENTRIES; i += 1) {
      const entry = this.#frames.ram.read32(table * PAGE_SIZE + 8 * i);
      if ((entry & PRESENT) !== 0) found.push(...this.#tablesBelow(entry >>> 12, level + 1));
    }
    return found;
  }

  #visit(
    table: number,
    level: number,
    base: number,
    first: number,
    end: number,
    leaf: (at: number, gfn: number) => void,
  ): void {
    const span = SPANS[level] as number;
    const from = Math.max(0, Math.floor((first - base) / span));
    const to = Math.min(ENTRIES, Math.ceil((end - base) / span));
    for (let i = from; i < to; i += 1) {
      const gfn = base + i * span;
      const at = table * PAGE_SIZE + 8 * i;
      const entry = this.#frames.ram.read32(at);
      if ((entry & PRESENT) === 0) continue;
      if (level === LAST) leaf(at, gfn);
      else this.#visit(entry >>> 12, level + 1, gfn, first, end, leaf);
    }
  }
}

function entryAt(table: number, gfn: number, level: number): number {
  const index = Math.floor(gfn / (SPANS[level] as number)) % ENTRIES;
  return table * PAGE_SIZE + 8 * index;
}
