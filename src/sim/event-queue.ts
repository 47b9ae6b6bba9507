/**
 * The event queue of a world: plain-data entries in the total order (time, sequence). A binary heap in which every
 * entry knows its place, so cancelling costs as little as posting. The saved form is the sorted list of entries and
 * does not depend on how the heap happens to lie.
 */

import { assert } from "./assert.ts";
import { clonePlain, hashPlain, type Plain } from "./data.ts";
import type { Hasher } from "./hash.ts";
import { type Cycles, NEVER } from "./time.ts";

/** A posted event. `sequence` is its handle: unique in the world, growing with each posting. */
export interface QueueEntry {
  readonly time: Cycles;
  readonly sequence: number;
  /** The component that will handle it. */
  readonly target: string;
  /** Which of the target's handlers. */
  readonly kind: string;
  readonly payload: Plain;
}

interface Placed extends QueueEntry {
  place: number;
}

export interface SavedQueue {
  readonly nextSequence: number;
  readonly entries: readonly QueueEntry[];
}

const before = (a: Placed, b: Placed): boolean =>
  a.time < b.time || (a.time === b.time && a.sequence < b.sequence);

export class EventQueue {
  readonly #heap: Placed[] = [];
  readonly #byHandle = new Map<number, Placed>();
  #nextSequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the first entry, or NEVER. */
  get nextTime(): Cycles {
    const first = this.#heap[0];
    return first === undefined ? NEVER : first.time;
  }

  /** Returns the handle of the new entry. */
  post(time: Cycles, target: string, kind: string, payload: Plain): number {
    const sequence = this.#nextSequence;
    this.#nextSequence = sequence + 1;
    this.#insert({ time, sequence, target, kind, payload, place: this.#heap.length });
    return sequence;
  }

  /** False when the event has been dispatched or cancelled before. */
  cancel(handle: number): boolean {
    const entry = this.#byHandle.get(handle);
    if (entry === undefined) return false;
    this.#byHandle.delete(handle);
    this.#removeAt(entry.place);
    return true;
  }

  /** Cancels and posts again: the event gets a new handle, so among equals it comes last. Null as for cancel. */
  reschedule(handle: number, time: Cycles): number | null {
    const entry = this.#byHandle.get(handle);
    if (entry === undefined) return null;
    this.cancel(handle);
    return this.post(time, entry.target, entry.kind, entry.payload);
  }

  get(handle: number): QueueEntry | undefined {
    return this.#byHandle.get(handle);
  }

  /** Takes the first entry. */
  take(): QueueEntry {
    const first = this.#heap[0];
    assert(first !== undefined, "an event is taken only when there is one");
    this.#byHandle.delete(first.sequence);
    this.#removeAt(0);
    return first;
  }

  /** All entries in the order in which they would be dispatched. */
  entries(): QueueEntry[] {
    return [...this.#heap]
      .sort((a, b) => a.time - b.time || a.sequence - b.sequence)
      .map(({ time, sequence, target, kind, payload }) => ({
        time,
        sequence,
        target,
        kind,
        payload,
      }));
  }

  save(): SavedQueue {
    return {
      nextSequence: this.#nextSequence,
      entries: this.entries().map((entry) => ({
        ...entry,
        payload: clonePlain(entry.payload, entry.kind),
      })),
    };
  }

  load(saved: SavedQueue): void {
    this.#heap.length = 0;
    this.#byHandle.clear();
    this.#nextSequence = saved.nextSequence;
    // A sorted list is a heap.
    for (const entry of saved.entries) {
      this.#insert({ ...entry, payload: clonePlain(entry.payload), place: this.#heap.length });
    }
  }

  digest(hasher: Hasher): void {
    hasher.f64(this.#nextSequence);
    hasher.u32(this.#heap.length);
    for (const entry of this.entries()) {
      hasher.f64(entry.time);
      hasher.f64(entry.sequence);
      hasher.text(entry.target);
      hasher.text(entry.kind);
      hashPlain(hasher, entry.payload);
    }
  }

  #insert(entry: Placed): void {
    this.#byHandle.set(entry.sequence, entry);
    this.#heap.push(entry);
    this.#rise(entry);
  }

  #removeAt(place: number): void {
    const last = this.#heap.pop() as Placed;
    if (place === this.#heap.length) return;
    this.#heap[place] = last;
    last.place = place;
    this.#sink(last);
    this.#rise(last);
  }

  #rise(entry: Placed): void {
    const heap = this.#heap;
    let place = entry.place;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = heap[parentPlace] as Placed;
      if (before(parent, entry)) break;
      heap[place] = parent;
      parent.place = place;
      place = parentPlace;
    }
    heap[place] = entry;
    entry.place = place;
  }

  #sink(entry: Placed): void {
    const heap = this.#heap;
    const size = heap.length;
    let place = entry.place;
    for (;;) {
      let childPlace = 2 * place + 1;
      if (childPlace >= size) break;
      let child = heap[childPlace] as Placed;
      if (childPlace + 1 < size && before(heap[childPlace + 1] as Placed, child)) {
        childPlace += 1;
        child = heap[childPlace] as Placed;
      }
      if (before(entry, child)) break;
      heap[place] = child;
      child.place = place;
      place = childPlace;
    }
    heap[place] = entry;
    entry.place = place;
  }
}
