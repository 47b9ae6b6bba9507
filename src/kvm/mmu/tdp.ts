/**
 * The tables of two-dimensional paging: from guest-physical pages to host frames, four levels, pages of 4 KiB and of 2
 * MiB, in frames of the host. Those of EPT and of nested paging differ in few bits. SDM Vol. 3, "EPT Translation Mechanism"; APM Vol.
 * 2, "Nested Paging".
 *
 * A guest-physical page has at most one place in them, which its slot and number tell. So they are their own reverse
 * map (Linux, struct kvm_rmap_head, which shadow tables need): from a page of the task by way of the slots to what maps
 * it.
 */

import type { Frames } from "../../linux/mm/frames.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";

/** Present, or readable: bit 0 in both formats, as bit 1 is the right to write in both. */
const [PRESENT, WRITE] = [1, 2];
const TABLE = 7;
/** Of an entry that maps 2 MiB. */
const LARGE = 0x80;
/** No frame. */
const NONE = 0;
/** Users may reach it, or code be executed in it. */
const OPEN = 4;
const ENTRIES = 512;
/** Pages below an entry, from the root on. */
const SPANS = [2 ** 27, 2 ** 18, 2 ** 9, 1] as const;
const LAST = SPANS.length - 1;

/** A page that is mapped, or a block. */
export interface Leaf {
  readonly gfn: number;
  readonly pages: number;
  readonly frame: number;
  readonly writable: boolean;
  readonly dirty: boolean;
}

/** Of entries that map a page: bits beside rights, and the flags that CPUs set. */
export interface LeafFormat {
  readonly leafBits: number;
  readonly accessedBit: number;
  readonly dirtyBit: number;
}

/** Frames of tables that have become empty, to be put when nobody uses older translations. */
export interface Zapped {
  readonly found: boolean;
  readonly tables: readonly number[];
}

export class TdpTables {
  /** Frame of the first table. */
  readonly root: number;
  readonly #frames: Frames;
  readonly #leafBits: number;
  readonly #accessedBit: number;
  readonly #dirtyBit: number;

  constructor(frames: Frames, root: number, { leafBits, accessedBit, dirtyBit }: LeafFormat) {
    this.root = root;
    this.#frames = frames;
    this.#leafBits = leafBits;
    this.#accessedBit = accessedBit;
    this.#dirtyBit = dirtyBit;
  }

  /** A page, or with `isBlock` an aligned block. False when there are no frames for tables. */
  map(gfn: number, frame: number, writable: boolean, isBlock = false): boolean {
    const { ram } = this.#frames;
    const last = isBlock ? LAST - 1 : LAST;
    let table = this.root;
    for (let level = 0; level < last; level += 1) {
      table = this.#tableAt(entryAt(table, gfn, level));
      if (table === NONE) return false;
    }
    // What may be written counts as written, so that CPUs need not say so.
    const rights = PRESENT | OPEN | (writable ? WRITE | this.#dirtyBit : 0);
    const bits = rights | this.#leafBits | (isBlock ? LARGE : 0);
    ram.write32(entryAt(table, gfn, last), frame * PAGE_SIZE + bits);
    return true;
  }

  /** Takes the mappings of pages away, and of whole blocks that have some of them. Nothing is freed or flushed yet. */
  zap(first: number, end: number): Zapped {
    const tables: number[] = [];
    const found = this.#zapIn(this.root, 0, 0, { first, end, tables });
    return { found: found || tables.length > 0, tables };
  }

  /** Takes the right to write pages away. */
  protect(first: number, end: number): void {
    this.#clear(WRITE, first, end);
  }

  /** Takes the dirty flags of pages away. */
  clean(first: number, end: number): void {
    this.#clear(this.#dirtyBit, first, end);
  }

  /** Whether a page was used since this was last asked; CPUs that remember the translation do not say so again. */
  clearAccessed(gfn: number): boolean {
    const { ram } = this.#frames;
    let wasUsed = false;
    this.#visit(this.root, 0, 0, gfn, gfn + 1, (at) => {
      const entry = ram.read32(at);
      wasUsed = (entry & this.#accessedBit) !== 0;
      if (wasUsed) ram.write32(at, (entry & ~this.#accessedBit) >>> 0);
    });
    return wasUsed;
  }

  #clear(bit: number, first: number, end: number): void {
    const { ram } = this.#frames;
    this.#visit(this.root, 0, 0, first, end, (at, _gfn, level) => {
      const entry = ram.read32(at);
      // A block cannot be written a page at a time, so it loses the right at once.
      const taken = level === LAST ? bit : WRITE;
      if ((entry & taken) !== 0) ram.write32(at, (entry & ~taken) >>> 0);
    });
  }

  leaves(): readonly Leaf[] {
    const found: Leaf[] = [];
    this.#visit(this.root, 0, 0, 0, Infinity, (at, gfn, level) => {
      const entry = this.#frames.ram.read32(at);
      const [writable, dirty] = [(entry & WRITE) !== 0, (entry & this.#dirtyBit) !== 0];
      found.push({ gfn, pages: SPANS[level] as number, frame: entry >>> 12, writable, dirty });
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

  /** The table that an entry names, made if it names none: of a block, with the same pages. 0 when there is no frame. */
  #tableAt(at: number): number {
    const { ram } = this.#frames;
    const entry = ram.read32(at);
    const isPresent = (entry & PRESENT) !== 0;
    if (isPresent && (entry & LARGE) === 0) return entry >>> 12;
    const made = this.#frames.allocate("kernel") ?? NONE;
    if (made === NONE) return NONE;
    const copied = isPresent ? ENTRIES : 0;
    for (let i = 0; i < copied; i += 1)
      ram.write32(made * PAGE_SIZE + 8 * i, entry - LARGE + i * PAGE_SIZE);
    ram.write32(at, made * PAGE_SIZE + TABLE);
    return made;
  }

  #zapIn(
    table: number,
    level: number,
    base: number,
    range: { readonly first: number; readonly end: number; readonly tables: number[] },
  ): boolean {
    const { ram } = this.#frames;
    const span = SPANS[level] as number;
    const [from, to] = within(level, base, range.first, range.end);
    let found = false;
    for (let i = from; i < to; i += 1) {
      const at = table * PAGE_SIZE + 8 * i;
      const entry = ram.read32(at);
      if ((entry & PRESENT) === 0) continue;
      const isHere = isLeaf(level, entry);
      found = isHere || this.#zapIn(entry >>> 12, level + 1, base + i * span, range) || found;
      if (!isHere && !this.#isEmpty(entry >>> 12)) continue;
      ram.write32(at, 0);
      if (!isHere) range.tables.push(entry >>> 12);
    }
    return found;
  }

  #isEmpty(table: number): boolean {
    for (let i = 0; i < ENTRIES; i += 1)
      if ((this.#frames.ram.read32(table * PAGE_SIZE + 8 * i) & PRESENT) !== 0) return false;
    return true;
  }

  #tablesBelow(table: number, level: number): number[] {
    if (level === LAST) return [table];
    const found = [table];
    for (let i = 0; i < ENTRIES; i += 1) {
      const entry = this.#frames.ram.read32(table * PAGE_SIZE + 8 * i);
      const isTable = (entry & PRESENT) !== 0 && !isLeaf(level, entry);
      if (isTable) found.push(...this.#tablesBelow(entry >>> 12, level + 1));
    }
    return found;
  }

  #visit(
    table: number,
    level: number,
    base: number,
    first: number,
    end: number,
    leaf: (at: number, gfn: number, level: number) => void,
  ): void {
    const span = SPANS[level] as number;
    const [from, to] = within(level, base, first, end);
    for (let i = from; i < to; i += 1) {
      const gfn = base + i * span;
      const at = table * PAGE_SIZE + 8 * i;
      const entry = this.#frames.ram.read32(at);
      if ((entry & PRESENT) === 0) continue;
      if (isLeaf(level, entry)) leaf(at, gfn, level);
      else this.#visit(entry >>> 12, level + 1, gfn, first, end, leaf);
    }
  }
}

const isLeaf = (level: number, entry: number): boolean => level === LAST || (entry & LARGE) !== 0;

/** The entries of a table whose pages are of a range. */
function within(level: number, base: number, first: number, end: number): [number, number] {
  const span = SPANS[level] as number;
  const from = Math.max(0, Math.floor((first - base) / span));
  return [from, Math.min(ENTRIES, Math.ceil((end - base) / span))];
}

function entryAt(table: number, gfn: number, level: number): number {
  const index = Math.floor(gfn / (SPANS[level] as number)) % ENTRIES;
  return table * PAGE_SIZE + 8 * index;
}
