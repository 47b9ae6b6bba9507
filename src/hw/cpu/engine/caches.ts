/** The caches that emitted code reads by itself: pages that may be accessed, and blocks that jumps go to. */

import type { CpuState } from "../state.ts";
import type { Block } from "./blocks.ts";
import { CACHES, FAST_TLB_ENTRIES, JUMP_CACHE_ENTRIES, type Level, NO_ADDRESS } from "./layout.ts";

const PAGE_MASK = -4096n;
const LEVELS = ["supervisor", "user"] as const;
const TABLES = ["read", "write"] as const;

export class Caches {
  readonly #view: DataView;
  readonly #words: BigUint64Array;
  readonly #state: CpuState;

  /** `buffer` is all of linear memory. */
  constructor(buffer: ArrayBuffer, state: CpuState) {
    this.#view = new DataView(buffer);
    this.#words = new BigUint64Array(buffer);
    this.#state = state;
    this.forget(null);
    for (const level of LEVELS) this.forgetJumps(level);
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

  rememberJump({ rip, start, mode }: Block): void {
    const low = Number(BigInt.asUintN(32, rip));
    const number = (low ^ (low >>> 10)) & (JUMP_CACHE_ENTRIES - 1);
    const slot = this.#state.block + CACHES[mode.level].jumps + 16 * number;
    this.#view.setBigUint64(slot, rip, true);
    this.#view.setInt32(slot + 8, start, true);
  }

  /** `place` is where the page lies in linear memory. */
  rememberPage(level: Level, linear: bigint, access: "read" | "write", place: number): void {
    const page = linear & PAGE_MASK;
    const slot = this.#state.block + CACHES[level][access] + fastSlot(linear);
    this.#view.setBigUint64(slot, page, true);
    this.#view.setInt32(slot + 8, (place - Number(BigInt.asUintN(32, page))) | 0, true);
  }

  #drop(slot: number, page: bigint): void {
    if (this.#view.getBigUint64(slot, true) === page)
      this.#view.setBigUint64(slot, NO_ADDRESS, true);
  }

  /** Makes all entries of a table match no address. */
  #fill(from: number, entries: number): void {
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
