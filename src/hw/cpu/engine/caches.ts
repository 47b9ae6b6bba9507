/** The caches that emitted code reads by itself: pages that may be accessed, and blocks that jumps go to. */

import type { CpuState } from "../state.ts";
import type { Block } from "./blocks.ts";
import {
  CACHES,
  FAST_TLB_ENTRIES,
  JUMP_CACHE_ENTRIES,
  type Level,
  LEVELS,
  NO_ADDRESS,
} from "./layout.ts";

const PAGE_MASK = -4096n;
const TABLES = ["read", "write"] as const;

export class Caches {
  readonly #view: DataView;
  readonly #words: BigUint64Array;
  readonly #state: CpuState;
  /** Addresses of the tables of jumps, by number of the level. */
  readonly #jumps: readonly number[];
  /** Tables in which something may match, by address. */
  readonly #used = new Set<number>();

  /** `buffer` is all of linear memory. */
  constructor(buffer: ArrayBuffer, state: CpuState) {
    this.#view = new DataView(buffer);
    this.#words = new BigUint64Array(buffer);
    this.#state = state;
    this.#jumps = LEVELS.map((level) => state.block + CACHES[level].jumps);
    for (const level of LEVELS) {
      for (const table of ["read", "write", "jumps"] as const)
        this.#used.add(state.block + CACHES[level][table]);
    }
    for (const level of LEVELS) this.forgetLevel(level);
  }

  /** Drops all that one kind of code may reach by itself. */
  forgetLevel(level: Level): void {
    const { block } = this.#state;
    for (const table of TABLES) this.#fill(block + CACHES[level][table], FAST_TLB_ENTRIES);
    this.forgetJumps(level);
  }

  /** Drops a page, or all, from what emitted code may reach by itself. */
  forget(linear: bigint | null): void {
    const { block } = this.#state;
    for (const level of LEVELS) {
      for (const table of TABLES) {
        const at = block + CACHES[level][table];
        if (linear === null) this.#fill(at, FAST_TLB_ENTRIES);
        else this.#drop(at + fastSlot(linear), linear & PAGE_MASK);
      }
    }
  }

  forgetJumps(level: Level): void {
    this.#fill(this.#state.block + CACHES[level].jumps, JUMP_CACHE_ENTRIES);
  }

  rememberJump({ rip, rip32, start, mode }: Block): void {
    const number = (rip32 ^ (rip32 >>> 10)) & (JUMP_CACHE_ENTRIES - 1);
    const table = this.#jumps[mode.levelNumber] as number;
    const slot = table + 16 * number;
    // Records are of one block until all jumps are forgotten.
    if (this.#view.getInt32(slot + 8, true) === start) return;
    this.#view.setBigUint64(slot, rip, true);
    this.#view.setInt32(slot + 8, start, true);
    this.#used.add(table);
  }

  /** `place` is where the page lies in linear memory. */
  rememberPage(level: Level, linear: bigint, access: "read" | "write", place: number): void {
    const page = linear & PAGE_MASK;
    const table = this.#state.block + CACHES[level][access];
    const slot = table + fastSlot(linear);
    this.#used.add(table);
    this.#view.setBigUint64(slot, page, true);
    this.#view.setInt32(slot + 8, (place - Number(BigInt.asUintN(32, page))) | 0, true);
  }

  #drop(slot: number, page: bigint): void {
    if (this.#view.getBigUint64(slot, true) === page)
      this.#view.setBigUint64(slot, NO_ADDRESS, true);
  }

  /** Makes all entries of a table match no address, unless they do already. */
  #fill(from: number, entries: number): void {
    if (!this.#used.delete(from)) return;
    this.#words.fill(NO_ADDRESS, from / 8, from / 8 + 2 * entries);
  }
}

/**
 * Offset in a table of the place of a page, the same as in emitted code. Neighbouring pages never share one: emitted
 * code looks in the place of the first byte for the page of the last.
 */
export function fastSlot(linear: bigint): number {
  const number = Number(BigInt.asUintN(32, linear >> 12n));
  return 16 * ((number + (number >>> 8)) & (FAST_TLB_ENTRIES - 1));
}
