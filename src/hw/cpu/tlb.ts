/**
 * The TLB: architectural state (SDM Vol. 3, "Caching Translation Information"). A translation that was used stays
 * until it is invalidated or another one takes its place, whatever happens to the tables meanwhile. Direct-mapped by a
 * hash of the page number; a large page takes an entry for each of its 4 KiB parts that was used.
 */

import { RIGHT, type Translation } from "./paging.ts";

const TLB_ENTRIES = 2048;
const WORDS = 6;
/** Page number (low and high), tag, frame number (low and high), rights with the valid bit. */
const [PAGE, PAGE_HIGH, TAG, FRAME, FRAME_HIGH, RIGHTS] = [0, 1, 2, 3, 4, 5] as const;
const VALID = 0x100;
const TWO_32 = 2 ** 32;
const PAGE_BYTES = 4096;

/**
 * Who a translation belongs to: an owner and a PCID. An owner is a virtual processor (VPID or ASID of 16 bits, 0 for the
 * host) with the number of the tables of the second level (0 for none).
 */
export const tagOf = (owner: number, pcid: number): number => ((owner << 12) | pcid) >>> 0;
export const ownerOf = (vpid: number, tables: number): number => (tables << 16) | vpid;
const ownerOfTag = (tag: number): number => tag >>> 12;

export class Tlb {
  /** For the snapshot registry. */
  readonly words: Uint32Array;
  readonly #mask: number;

  /** `entries` is a power of two. */
  constructor(entries = TLB_ENTRIES) {
    this.words = new Uint32Array(entries * WORDS);
    this.#mask = entries - 1;
  }

  /** Place of the entry for a linear address under a tag, or -1. Global ones serve every PCID of their VPID. */
  find(low: number, high: number, tag: number): number {
    const { words } = this;
    const page = pageOf(low, high);
    const at = this.#slotOf(page);
    const rights = words[at + RIGHTS] as number;
    if (
      (rights & VALID) === 0 ||
      words[at + PAGE] !== page ||
      words[at + PAGE_HIGH] !== high >>> 12
    )
      return -1;
    const owner = words[at + TAG] as number;
    const global = (rights & RIGHT.global) !== 0 && ownerOfTag(owner) === ownerOfTag(tag);
    return owner === tag || global ? at : -1;
  }

  rights(at: number): number {
    return (this.words[at + RIGHTS] as number) & ~VALID;
  }

  /** Physical address of the frame. */
  frame(at: number): number {
    const { words } = this;
    return (
      ((words[at + FRAME] as number) + (words[at + FRAME_HIGH] as number) * TWO_32) * PAGE_BYTES
    );
  }

  /** Takes a place; returns an address in the page that lost it, or null. */
  fill(
    low: number,
    high: number,
    tag: number,
    { frame, rights }: Translation,
  ): { readonly low: number; readonly high: number } | null {
    const { words } = this;
    const page = pageOf(low, high);
    const at = this.#slotOf(page);
    const taken = ((words[at + RIGHTS] as number) & VALID) !== 0;
    const evicted = taken
      ? addressOf(words[at + PAGE] as number, words[at + PAGE_HIGH] as number)
      : null;
    const number = frame / PAGE_BYTES;
    words[at + PAGE] = page;
    words[at + PAGE_HIGH] = high >>> 12;
    words[at + TAG] = tag;
    words[at + FRAME] = number >>> 0;
    words[at + FRAME_HIGH] = Math.floor(number / TWO_32);
    words[at + RIGHTS] = rights | VALID;
    return evicted;
  }

  drop(at: number): void {
    this.words[at + RIGHTS] = 0;
  }

  /**
   * The page's translations of a PCID, and with INVLPG global ones; of a large page all parts. Says what may have been
   * lost: nothing, the 4 KiB around the address, or more.
   */
  invalidatePage(
    low: number,
    high: number,
    tag: number,
    global = true,
  ): "nothing" | "page" | "more" {
    const at = this.find(low, high, tag);
    const mayDrop = at >= 0 && (global || (this.rights(at) & RIGHT.global) === 0);
    if (mayDrop && (this.rights(at) & RIGHT.large) === 0) {
      this.drop(at);
      return "page";
    }
    // The address may lie in a large page of which other parts are cached; how large is not known any more.
    const dropped = this.invalidate((entry) => {
      const rights = this.rights(entry);
      if ((rights & RIGHT.large) === 0) return false;
      const owner = this.words[entry + TAG] as number;
      const isGlobal = (rights & RIGHT.global) !== 0;
      const mine = isGlobal ? global && ownerOfTag(owner) === ownerOfTag(tag) : owner === tag;
      return mine && this.#sameGigabyte(entry, low, high);
    });
    return dropped === 0 ? "nothing" : "more";
  }

  /** A page's translations of a virtual processor in every PCID and through whatever tables; of a large page all parts. */
  invalidatePageOfVpid(low: number, high: number, vpid: number): void {
    const page = pageOf(low, high);
    this.invalidate((at) => {
      if ((ownerOfTag(this.words[at + TAG] as number) & 0xffff) !== vpid) return false;
      if ((this.rights(at) & RIGHT.large) !== 0) return this.#sameGigabyte(at, low, high);
      return this.words[at + PAGE] === page && this.words[at + PAGE_HIGH] === high >>> 12;
    });
  }

  /** Drops all entries for which `drops` holds; says how many. */
  invalidate(drops: (at: number) => boolean): number {
    let dropped = 0;
    for (let at = 0; at < this.words.length; at += WORDS) {
      if (((this.words[at + RIGHTS] as number) & VALID) === 0 || !drops(at)) continue;
      this.drop(at);
      dropped += 1;
    }
    return dropped;
  }

  /** All of an owner; with `keepGlobal`, all but the global ones (MOV to CR3). */
  invalidateOwner(owner: number, keepGlobal: boolean): void {
    this.invalidateOwners((other) => other === owner, keepGlobal);
  }

  /** All of the owners for which `is` holds. */
  invalidateOwners(is: (owner: number) => boolean, keepGlobal = false): void {
    this.invalidate(
      (at) =>
        is(ownerOfTag(this.words[at + TAG] as number)) &&
        !(keepGlobal && (this.rights(at) & RIGHT.global) !== 0),
    );
  }

  /** All of one PCID but the global ones. */
  invalidateTag(tag: number): void {
    this.invalidate((at) => this.words[at + TAG] === tag && (this.rights(at) & RIGHT.global) === 0);
  }

  #slotOf(page: number): number {
    return ((page ^ (page >>> 11)) & this.#mask) * WORDS;
  }

  /** Large pages are at most 1 GiB, so this drops no less than needed; more is always allowed. */
  #sameGigabyte(at: number, low: number, high: number): boolean {
    const { words } = this;
    const sameHigh = words[at + PAGE_HIGH] === high >>> 12;
    return sameHigh && (words[at + PAGE] as number) >>> 18 === pageOf(low, high) >>> 18;
  }
}

/** The low 32 bits of the page number. */
const pageOf = (low: number, high: number): number => ((low >>> 12) | (high << 20)) >>> 0;

/** The halves of a page's first address. */
const addressOf = (page: number, pageHigh: number): { low: number; high: number } => ({
  low: page << 12,
  high: ((page >>> 20) | (pageHigh << 12)) >>> 0,
});
