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
import type { MmuLocks } from "./locks.ts";

/** Present, or readable: bit 0 in both formats, as bit 1 is the right to write in both. */
const [PRESENT, WRITE] = [1, 2];
const TABLE = 7;
/** Of an entry that maps 2 MiB. */
const LARGE = 0x80;
/** No frame. */
const NONE = 0;
/** Users may reach it, or code be executed in it. */
const OPEN = 4;
export const ENTRIES = 512;
/** Pages below an entry, from the root on. */
export const SPANS = [2 ** 27, 2 ** 18, 2 ** 9, 1] as const;
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

export interface TdpParts {
  readonly frames: Frames;
  readonly locks: MmuLocks;
  readonly root: number;
  readonly format: LeafFormat;
}

export class TdpTables {
  /** Frame of the first table. */
  readonly root: number;
  readonly #frames: Frames;
  readonly #locks: MmuLocks;
  readonly #leafBits: number;
  readonly #accessedBit: number;
  readonly #dirtyBit: number;

  constructor({ frames, locks, root, format: { leafBits, accessedBit, dirtyBit } }: TdpParts) {
    this.root = root;
    this.#frames = frames;
    this.#locks = locks;
    this.#leafBits = leafBits;
    this.#accessedBit = accessedBit;
    this.#dirtyBit = dirtyBit;
  }

  /** A page, or with `isBlock` an aligned block. False when there are no frames for tables. */
  map(gfn: number, frame: number, writable: boolean, isBlock = false): boolean {
    const last = isBlock ? LAST - 1 : LAST;
    let table = this.root;
    for (let level = 0; level < last; level += 1) {
      table = this.#tableAt(entryAt(table, gfn, level));
      if (table === NONE) return false;
    }
    // What may be written counts as written, so that CPUs need not say so.
    const rights = PRESENT | OPEN | (writable ? WRITE | this.#dirtyBit : 0);
    const bits = rights | this.#leafBits | (isBlock ? LARGE : 0);
    this.#write(entryAt(table, gfn, last), frame * PAGE_SIZE + bits);
    return true;
  }

  /** Takes the mappings of pages away, and of whole blocks that have some of them, with tables that become empty. */
  zap(first: number, end: number): void {
    this.#zapIn(this.root, 0, 0, first, end);
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
      if (!wasUsed) return;
      this.#locks.writes(false);
      ram.write32(at, (entry & ~this.#accessedBit) >>> 0);
    });
    return wasUsed;
  }

  #clear(bit: number, first: number, end: number): void {
    const { ram } = this.#frames;
    this.#visit(this.root, 0, 0, first, end, (at, _gfn, level) => {
      const entry = ram.read32(at);
      // A block cannot be written a page at a time, so it loses the right at once.
      const taken = level === LAST ? bit : WRITE;
      if ((entry & taken) !== 0) this.#write(at, (entry & ~taken) >>> 0);
    });
  }

  leaves(): readonly Leaf[] {
    const found: Leaf[] = [];
    this.#visit(this.root, 0, 0, 0, Infinity, (at, gfn, level) => {
      found.push(this.leafOf(this.#frames.ram.read32(at), gfn, level));
    });
    return found;
  }

  /** What an entry that maps something says. */
  leafOf(entry: number, gfn: number, level: number): Leaf {
    const [writable, dirty] = [(entry & WRITE) !== 0, (entry & this.#dirtyBit) !== 0];
    return { gfn, pages: SPANS[level] as number, frame: entry >>> 12, writable, dirty };
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
      this.#write(made * PAGE_SIZE + 8 * i, entry - LARGE + i * PAGE_SIZE);
    this.#write(at, made * PAGE_SIZE + TABLE);
    return made;
  }

  #zapIn(table: number, level: number, base: number, first: number, end: number): void {
    const span = SPANS[level] as number;
    const [from, to] = within(level, base, first, end);
    for (let i = from; i < to; i += 1) {
      const at = table * PAGE_SIZE + 8 * i;
      const entry = this.#frames.ram.read32(at);
      const is = kindOf(entry, level);
      if (is === "table") this.#zapIn(entry >>> 12, level + 1, base + i * span, first, end);
      if (is === "nothing" || (is === "table" && !this.#isEmpty(entry >>> 12))) continue;
      this.#write(at, 0);
      if (is === "table") this.#locks.giveUp(entry >>> 12);
    }
  }

  /** A CPU may use what an entry says until it is flushed, but for a block whose pages are mapped in its place. */
  #write(at: number, value: number): void {
    const { ram } = this.#frames;
    const before = ram.read32(at);
    const lost = before & ~value & (PRESENT | WRITE | this.#dirtyBit);
    const isLess = lost !== 0 || before >>> 12 !== value >>> 12;
    this.#locks.writes((before & PRESENT) !== 0 && isLess && !isSplit(before, value));
    ram.write32(at, value);
  }

  #isEmpty(table: number): boolean {
    for (let i = 0; i < ENTRIES; i += 1)
      if ((this.#frames.ram.read32(table * PAGE_SIZE + 8 * i) & PRESENT) !== 0) return false;
    return true;
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
      const is = kindOf(entry, level);
      if (is === "leaf") leaf(at, gfn, level);
      else if (is === "table") this.#visit(entry >>> 12, level + 1, gfn, first, end, leaf);
    }
  }
}

/** What an entry of a table stands for. */
export function kindOf(entry: number, level: number): "nothing" | "leaf" | "table" {
  if ((entry & PRESENT) === 0) return "nothing";
  return level === LAST || (entry & LARGE) !== 0 ? "leaf" : "table";
}

const isSplit = (before: number, value: number): boolean =>
  (before & LARGE) !== 0 && (value & (PRESENT | LARGE)) === PRESENT;

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
