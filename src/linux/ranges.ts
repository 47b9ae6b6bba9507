/**
 * Ranges of numbers that do not overlap, and which of them holds a number: as the kernel's trees of memory areas and of
 * memory slots, which remember what was found last.
 */

export class Ranges<T> {
  readonly #startOf: (range: T) => number;
  /** Behind its last number. */
  readonly #endOf: (range: T) => number;
  #all: readonly T[] = [];
  #recent: T | null = null;

  constructor(startOf: (range: T) => number, endOf: (range: T) => number) {
    this.#startOf = startOf;
    this.#endOf = endOf;
  }

  /** In the order of their numbers. */
  get all(): readonly T[] {
    return this.#all;
  }

  set all(ranges: readonly T[]) {
    this.#all = ranges.toSorted((a, b) => this.#startOf(a) - this.#startOf(b));
    this.#recent = null;
  }

  find(number: number): T | null {
    if (this.#recent !== null && this.#holds(this.#recent, number)) return this.#recent;
    const found = this.#search(number);
    if (found === undefined || !this.#holds(found, number)) return null;
    this.#recent = found;
    return found;
  }

  /** The last one that does not start behind the number. */
  #search(number: number): T | undefined {
    let [from, to] = [0, this.#all.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#startOf(this.#all[middle] as T) <= number) from = middle + 1;
      else to = middle;
    }
    return this.#all[from - 1];
  }

  #holds(range: T, number: number): boolean {
    return number >= this.#startOf(range) && number < this.#endOf(range);
  }
}
