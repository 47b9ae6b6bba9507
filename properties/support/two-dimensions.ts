/**
 * The two-dimensional walk by the book: the rules of one dimension (page-tables.ts), asked for each entry of the
 * guest's tables and for the page itself. APM Vol. 2, "Nested Paging", "Nested versus Guest Page Faults, Fault
 * Ordering".
 */

import type { PagingContext } from "../../src/hw/cpu/paging.ts";
import { translateByTheBook } from "./page-tables.ts";

/** A fault of the guest, or of the tables below. */
export class WalkEnds extends Error {
  readonly exit: "#PF" | "NPF";
  readonly info1: bigint;
  readonly info2: bigint;

  constructor(exit: "#PF" | "NPF", info1: bigint, info2: bigint) {
    super(exit);
    this.exit = exit;
    this.info1 = info1;
    this.info2 = info2;
  }
}

export interface TwoContexts {
  /** Null for a guest without paging. */
  readonly guest: PagingContext | null;
  readonly nested: PagingContext;
}

interface Wanted {
  readonly write: boolean;
  readonly fetch: boolean;
  readonly user: boolean;
}

const [ACCESSED, DIRTY] = [0x20, 0x40];
const [FINAL, TABLE] = [1n << 32n, 1n << 33n];
const OPEN_BUS = 2n ** 64n - 1n;

/** Memory with both kinds of tables in it; accessed and dirty bits are set by walks that succeed. */
export class BookMemory {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #contexts: TwoContexts;

  constructor(bytes: Uint8Array, contexts: TwoContexts) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#contexts = contexts;
  }

  /** Whether there is memory. */
  has(address: number): boolean {
    return address < this.bytes.length;
  }

  /** The physical address of an access of the guest; throws what the walk ends with. */
  translate(linear: bigint, access: Wanted): number {
    const { guest } = this.#contexts;
    if (guest === null) return this.#below(linear, access, false);
    const seen: number[] = [];
    const found = translateByTheBook(
      { context: guest, access: { ...access, ac: false }, entries: [], linear },
      {
        read32: () => 0,
        read64: (address) => {
          const at = this.#below(BigInt(address), access, true);
          seen.push(at);
          return this.#read64(at);
        },
      },
    );
    if (found.startsWith("fault"))
      throw new WalkEnds("#PF", BigInt(found.slice("fault ".length)), linear);
    const address = this.#below(pageOf(found) | (linear & 0xfffn), access, false);
    this.#mark(seen, access.write);
    return address;
  }

  /** By the tables of the host. Entries of the guest's tables are accessed as data that is written. */
  #below(address: bigint, { write, fetch }: Wanted, isTable: boolean): number {
    const { nested } = this.#contexts;
    const access = {
      write: write || isTable,
      fetch: fetch && !isTable,
      user: true,
      ac: false,
    };
    const seen: number[] = [];
    const found = translateByTheBook(
      { context: nested, access, entries: [], linear: address },
      {
        read32: () => 0,
        read64: (at) => {
          seen.push(at);
          return this.#read64(at);
        },
      },
    );
    if (found.startsWith("fault")) {
      const code = BigInt(found.slice("fault ".length));
      throw new WalkEnds("NPF", code | (isTable ? TABLE : FINAL), address);
    }
    this.#mark(seen, access.write);
    return Number(pageOf(found) | (address & 0xfffn));
  }

  #read64(at: number): bigint {
    return this.has(at) ? this.#view.getBigUint64(at, true) : OPEN_BUS;
  }

  #mark(entries: readonly number[], write: boolean): void {
    entries.forEach((at, i) => {
      const bits = ACCESSED | (write && i === entries.length - 1 ? DIRTY : 0);
      if (this.has(at)) this.bytes[at] = (this.bytes[at] as number) | bits;
    });
  }
}

const pageOf = (found: string): bigint => BigInt(`0x${found.slice("page ".length)}`) << 12n;
