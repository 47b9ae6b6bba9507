/**
 * The tables of a VM as they were when they were last looked at, to find what has changed in memory since, whoever wrote
 * it. See DESIGN, "Virtualisation hardware and KVM".
 */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import { ENTRIES, kindOf, type Leaf, SPANS, type TdpTables } from "../mmu/tdp.ts";

/** Told of what is in the tables now, and of what is no more. */
export interface TableVisitor {
  came(leaf: Leaf): void;
  went(leaf: Leaf): void;
  tableCame(frame: number): void;
  tableWent(frame: number): void;
}

/** A table: its words now, and when they were last looked at. */
interface Table {
  readonly frame: number;
  readonly level: number;
  readonly firstGfn: number;
  readonly words: Uint32Array;
  readonly seen: Uint32Array;
  readonly below: Map<number, Table>;
}

/** Of an entry; the upper is 0 in what the module writes. */
const WORDS = 2;

export class TableView {
  readonly #ram: PagedMemory;
  readonly #tables: TdpTables;
  readonly #visitor: TableVisitor;
  #root: Table | null = null;

  constructor(ram: PagedMemory, tables: TdpTables, visitor: TableVisitor) {
    this.#ram = ram;
    this.#tables = tables;
    this.#visitor = visitor;
  }

  /** Tells of what has changed. */
  update(): void {
    this.#root ??= this.#enter(this.#tables.root, 0, 0);
    this.#update(this.#root);
  }

  /** Everything goes; what is there comes with the next update. */
  forget(): void {
    if (this.#root !== null) this.#leave(this.#root);
    this.#root = null;
  }

  #enter(frame: number, level: number, firstGfn: number): Table {
    const { buffer, byteOffset } = this.#ram.bytes;
    this.#visitor.tableCame(frame);
    const words = new Uint32Array(buffer, byteOffset + frame * PAGE_SIZE, WORDS * ENTRIES);
    const seen = new Uint32Array(WORDS * ENTRIES);
    return { frame, level, firstGfn, words, seen, below: new Map() };
  }

  #leave(table: Table): void {
    for (let i = 0; i < ENTRIES; i += 1) this.#drop(table, i);
    this.#visitor.tableWent(table.frame);
  }

  #update(table: Table): void {
    const { words, seen, below } = table;
    for (let i = 0; i < words.length; i += WORDS)
      if (words[i] !== seen[i]) this.#change(table, i / WORDS);
    for (const one of below.values()) this.#update(one);
  }

  #change(table: Table, index: number): void {
    this.#drop(table, index);
    const { words, seen, level, below } = table;
    const entry = words[WORDS * index] as number;
    seen[WORDS * index] = entry;
    const kind = kindOf(entry, level);
    const gfn = gfnOf(table, index);
    if (kind === "leaf") this.#visitor.came(this.#tables.leafOf(entry, gfn, level));
    if (kind === "table") below.set(index, this.#enter(entry >>> 12, level + 1, gfn));
  }

  #drop(table: Table, index: number): void {
    const { seen, level, below } = table;
    const entry = seen[WORDS * index] as number;
    if (kindOf(entry, level) === "leaf")
      this.#visitor.went(this.#tables.leafOf(entry, gfnOf(table, index), level));
    const lower = below.get(index);
    if (lower === undefined) return;
    this.#leave(lower);
    below.delete(index);
  }
}

const gfnOf = ({ firstGfn, level }: Table, index: number): number =>
  firstGfn + index * (SPANS[level] as number);
