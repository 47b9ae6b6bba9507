/**
 * A swap device in compressed memory: reading a page takes the reader's time, writing takes nobody's. Linux, mm/swapfile.c;
 * Documentation/admin-guide/blockdev/zram.rst. Not modelled: the memory that compressed pages take, a swap cache, readahead.
 */

import { assert } from "../../sim/assert.ts";
import type { Keeper } from "../../sim/snapshot.ts";

interface Slot {
  /** Never changes. */
  readonly bytes: Uint8Array;
  /** Pages of tasks that have it. */
  readonly users: number;
}

type Slots = readonly (Slot | null)[];

export class Swap implements Keeper<Slots> {
  readonly capacity: number;
  readonly #slots: (Slot | null)[] = [];
  #used = 0;
  /** None before it is free. */
  #search = 0;

  /** `capacity` in pages. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  save(): Slots {
    return [...this.#slots];
  }

  load(saved: Slots): void {
    this.#slots.splice(0, this.#slots.length, ...saved);
    this.#used = saved.filter((slot) => slot !== null).length;
    this.#search = 0;
  }

  /** Slots in use. */
  get used(): number {
    return this.#used;
  }

  /** The slot of a page that has one user, or null when the device is full. */
  write(bytes: Uint8Array): number | null {
    if (this.#used === this.capacity) return null;
    const free = this.#slots.indexOf(null, this.#search);
    const slot = free < 0 ? this.#slots.length : free;
    this.#slots[slot] = { bytes, users: 1 };
    this.#used += 1;
    this.#search = slot + 1;
    return slot;
  }

  read(slot: number): Uint8Array {
    return this.#at(slot).bytes;
  }

  /** One user more. */
  share(slot: number): void {
    const { bytes, users } = this.#at(slot);
    this.#slots[slot] = { bytes, users: users + 1 };
  }

  /** One user less; without any the slot is free. */
  put(slot: number): void {
    const { bytes, users } = this.#at(slot);
    this.#slots[slot] = users === 1 ? null : { bytes, users: users - 1 };
    if (users > 1) return;
    this.#used -= 1;
    this.#search = Math.min(this.#search, slot);
  }

  #at(slot: number): Slot {
    const found = this.#slots[slot] ?? null;
    assert(found !== null, "a slot is used while a page has it");
    return found;
  }
}
