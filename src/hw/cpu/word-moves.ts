/**
 * Words of 32 bits that are moved by a loop over a list: for registers that lie outside linear memory, or that are not
 * moved at every entry and exit. For the rest there is emitted code (word-code.ts).
 */

import type { WordPair } from "./word-code.ts";

type Words = Int32Array | Uint32Array;

export class WordMoves {
  readonly #one: Int32Array;
  readonly #other: Int32Array;

  /** Pairs of places, in bytes: in the block of a CPU, and elsewhere. */
  constructor(pairs: readonly WordPair[]) {
    this.#one = Int32Array.from(pairs, ([one]) => one / 4);
    this.#other = Int32Array.from(pairs, ([, other]) => other / 4);
  }

  /** From the block. */
  save(block: Words, other: Words): void {
    const { length } = this.#one;
    for (let i = 0; i < length; i += 1)
      other[this.#other[i] as number] = block[this.#one[i] as number] as number;
  }

  /** To the block. */
  load(block: Words, other: Words): void {
    const { length } = this.#one;
    for (let i = 0; i < length; i += 1)
      block[this.#one[i] as number] = other[this.#other[i] as number] as number;
  }
}
