/**
 * From handles to slots: open addressing by the handle itself. Handles are handed out in order, so neighbours in time
 * are neighbours in memory, and almost every look-up hits at once.
 */

/** No handle is negative. */
const EMPTY = -1;
const LEAST_CAPACITY = 64;

export class HandleTable {
  #handles = new Float64Array(LEAST_CAPACITY).fill(EMPTY);
  #slots = new Int32Array(LEAST_CAPACITY);
  #size = 0;

  /** The slot of a handle, or -1. */
  get(handle: number): number {
    if (handle < 0) return -1;
    const at = this.#find(handle);
    return this.#handles[at] === handle ? (this.#slots[at] as number) : -1;
  }

  set(handle: number, slot: number): void {
    if (4 * (this.#size + 1) > this.#handles.length) this.#grow();
    const at = this.#find(handle);
    this.#handles[at] = handle;
    this.#slots[at] = slot;
    this.#size += 1;
  }

  delete(handle: number): void {
    let hole = this.#find(handle);
    if (this.#handles[hole] !== handle) return;
    this.#size -= 1;
    const mask = this.#handles.length - 1;
    // What was pushed past the hole by a collision moves back into it.
    for (let at = (hole + 1) & mask; this.#handles[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#home(this.#handles[at] as number);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#handles[hole] = this.#handles[at] as number;
      this.#slots[hole] = this.#slots[at] as number;
      hole = at;
    }
    this.#handles[hole] = EMPTY;
  }

  clear(): void {
    this.#handles.fill(EMPTY);
    this.#size = 0;
  }

  /** Where a handle would lie if it were alone. */
  #home(handle: number): number {
    // The lowest 32 bits, which is all that counts for a table of that size.
    return (handle | 0) & (this.#handles.length - 1);
  }

  /** Where the handle is, or where it would be put. */
  #find(handle: number): number {
    const mask = this.#handles.length - 1;
    let at = this.#home(handle);
    while (this.#handles[at] !== handle && this.#handles[at] !== EMPTY) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [handles, slots] = [this.#handles, this.#slots];
    this.#handles = new Float64Array(2 * handles.length).fill(EMPTY);
    this.#slots = new Int32Array(2 * handles.length);
    this.#size = 0;
    for (const [i, handle] of handles.entries()) {
      if (handle !== EMPTY) this.set(handle, slots[i] as number);
    }
  }
}
