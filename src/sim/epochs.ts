/**
 * The rolling digest of a run: at each multiple of the epoch's length, the digest of the one before, of all state and
 * of all events so far. Two runs agree up to an epoch exactly when its digests are equal, so the first epoch in which
 * they differ is found by bisection.
 */

import { assert } from "./assert.ts";
import { Hasher, toHex } from "./hash.ts";
import { assertCycles, type Cycles, NEVER } from "./time.ts";

/** The rolling digest at the time `index * epochCycles`, 32 hexadecimal digits. */
export interface EpochDigest {
  readonly index: number;
  readonly digest: string;
}

export interface SavedEpochs {
  readonly count: number;
  readonly rolling: readonly number[];
}

export class Epochs {
  readonly #cycles: Cycles;
  readonly #log: string[] = [];
  #count = 0;
  #rolling: readonly number[] = [0, 0, 0, 0];
  #nextTime: Cycles;

  /** `cycles` is the length of an epoch; 0 for a run without digests. */
  constructor(cycles: Cycles) {
    assertCycles(cycles, "the length of an epoch");
    this.#cycles = cycles;
    this.#nextTime = cycles > 0 ? cycles : NEVER;
  }

  get nextTime(): Cycles {
    return this.#nextTime;
  }

  /** Digests of the epochs passed: entry i is of the time (i + 1) * cycles. */
  get passed(): readonly string[] {
    return this.#log.slice(0, this.#count);
  }

  /** True when the run has been further than it is now. */
  get hasFuture(): boolean {
    return this.#log.length > this.#count;
  }

  /** Forgets the digests of what has been gone back on: the run takes another way. */
  truncate(): void {
    this.#log.length = this.#count;
  }

  /** Takes the digest that is due. Returns it when it is new, null when this part of the run was seen before. */
  pass(feed: (hasher: Hasher) => void): EpochDigest | null {
    const hasher = new Hasher();
    for (const word of this.#rolling) hasher.u32(word);
    feed(hasher);
    this.#rolling = hasher.finish();
    const digest = toHex(this.#rolling);
    const index = this.#count;
    this.#count += 1;
    this.#nextTime += this.#cycles;
    if (index < this.#log.length) {
      assert(this.#log[index] === digest, "a part of a run executed again gives the same digest");
      return null;
    }
    this.#log.push(digest);
    return { index: index + 1, digest };
  }

  copyFrom(other: Epochs): void {
    this.#log.push(...other.passed);
  }

  save(): SavedEpochs {
    return { count: this.#count, rolling: this.#rolling };
  }

  load(saved: SavedEpochs): void {
    this.#count = saved.count;
    this.#rolling = saved.rolling;
    this.#nextTime = this.#cycles > 0 ? (saved.count + 1) * this.#cycles : NEVER;
  }
}
