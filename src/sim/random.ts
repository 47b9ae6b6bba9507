/**
 * Named random streams on seedrandom's Alea (Johannes Baagøe), whose state is four numbers and whose arithmetic is
 * exact in every engine. A stream depends on the seed and its own name only, so one more draw in one place changes
 * nothing elsewhere.
 */

import alea from "seedrandom/lib/alea.js";
import { assert } from "./assert.ts";

type Alea = ReturnType<typeof alea>;
type AleaState = ReturnType<Alea["state"]>;

export class RandomStream {
  readonly name: string;
  readonly #streams: RandomStreams;
  #generator: Alea;
  #drawn = false;

  constructor(streams: RandomStreams, name: string, generator: Alea) {
    this.#streams = streams;
    this.name = name;
    this.#generator = generator;
  }

  /** A whole number from 0 to 2^32 - 1. */
  u32(): number {
    this.#drawn = true;
    return this.#generator.int32() >>> 0;
  }

  /** A whole number from 0 to `bound` - 1; `bound` is at most 2^32. */
  below(bound: number): number {
    assert(bound >= 1 && bound <= 2 ** 32, "a draw has between 1 and 2^32 outcomes");
    this.#drawn = true;
    return Math.floor(this.#generator() * bound);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** True once in `oneIn` draws. */
  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** The stream whose name is this one's and `name`. */
  fork(name: string): RandomStream {
    return this.#streams.stream(`${this.name}/${name}`);
  }

  /** Null for a stream not drawn from: it is as if it did not exist. */
  save(): AleaState | null {
    return this.#drawn ? this.#generator.state() : null;
  }

  load(state: AleaState): void {
    this.#drawn = true;
    this.#generator = alea("", { state });
  }

  restart(seed: string): void {
    this.#drawn = false;
    this.#generator = alea(`${seed}/${this.name}`, { state: true });
  }
}

export class RandomStreams {
  readonly seed: string;
  readonly #streams = new Map<string, RandomStream>();

  constructor(seed: string) {
    this.seed = seed;
  }

  stream(name: string): RandomStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = new RandomStream(this, name, alea(`${this.seed}/${name}`, { state: true }));
      this.#streams.set(name, stream);
    }
    return stream;
  }

  save(): Record<string, AleaState> {
    const saved: Record<string, AleaState> = {};
    for (const name of [...this.#streams.keys()].sort(byCodeUnits)) {
      const state = this.#streams.get(name)?.save() ?? null;
      if (state !== null) saved[name] = state;
    }
    return saved;
  }

  /** A stream that the saved state does not name had not been drawn from: it starts again. */
  load(saved: Record<string, AleaState>): void {
    for (const [name, stream] of this.#streams) {
      if (!Object.hasOwn(saved, name)) stream.restart(this.seed);
    }
    for (const name of Object.keys(saved)) this.stream(name).load(saved[name] as AleaState);
  }
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
