/**
 * The event queue of a world: plain-data entries in the total order (time, sequence). A heap of four children whose
 * keys lie in typed arrays, with the rest of an entry in arrays by slot: a hundred thousand waiting events then stay
 * within the processor's caches and leave nothing for the garbage collector. A cancelled entry stays in the heap until it comes to the top or the dead outnumber the living. The saved form is the sorted
 * list of entries and does not depend on how the heap happens to lie.
 */

import { assert } from "./assert.ts";
import { clonePlain, hashPlain, type Plain } from "./data.ts";
import { HandleTable } from "./handle-table.ts";
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

export interface SavedQueue {
  readonly nextSequence: number;
  readonly entries: readonly QueueEntry[];
}

const LEAST_CAPACITY = 64;

export class EventQueue {
  /** The heap: time, sequence and slot of each place. */
  #times = new Float64Array(LEAST_CAPACITY);
  #sequences = new Float64Array(LEAST_CAPACITY);
  #slots = new Int32Array(LEAST_CAPACITY);
  #count = 0;
  /** By slot. A slot is not alive when it is free, or its entry was cancelled but is in the heap still. */
  #alive: boolean[] = [];
  readonly #targets: string[] = [];
  readonly #kinds: string[] = [];
  readonly #payloads: Plain[] = [];
  readonly #freeSlots: number[] = [];
  readonly #slotOf = new HandleTable();
  #live = 0;
  #nextSequence = 0;

  get size(): number {
    return this.#live;
  }

  /** The time of the first entry, or NEVER. */
  get nextTime(): Cycles {
    return this.#count === 0 ? NEVER : (this.#times[0] as number);
  }

  /** Returns the handle of the new entry. */
  post(time: Cycles, target: string, kind: string, payload: Plain): number {
    const sequence = this.#nextSequence;
    this.#nextSequence = sequence + 1;
    this.#insert(time, sequence, target, kind, payload);
    return sequence;
  }

  /** False when the event has been dispatched or cancelled before. */
  cancel(handle: number): boolean {
    const slot = this.#slotOf.get(handle);
    if (slot < 0) return false;
    this.#slotOf.delete(handle);
    this.#alive[slot] = false;
    this.#payloads[slot] = null;
    this.#live -= 1;
    if (this.#count > LEAST_CAPACITY && this.#count > 2 * this.#live) this.#dropDead();
    else this.#uncover();
    return true;
  }

  /** Cancels and posts again: the event gets a new handle, so among equals it comes last. Null as for cancel. */
  reschedule(handle: number, time: Cycles): number | null {
    const slot = this.#slotOf.get(handle);
    if (slot < 0) return null;
    const target = this.#targets[slot] as string;
    const kind = this.#kinds[slot] as string;
    const payload = this.#payloads[slot];
    this.cancel(handle);
    return this.post(time, target, kind, payload);
  }

  /** Takes the first entry. */
  take(): QueueEntry {
    assert(this.#count > 0, "an event is taken only when there is one");
    const entry = this.#entryAt(0);
    this.#slotOf.delete(entry.sequence);
    this.#live -= 1;
    this.#removeTop();
    this.#uncover();
    return entry;
  }

  /** All entries in the order in which they would be dispatched. */
  entries(): QueueEntry[] {
    const entries: QueueEntry[] = [];
    for (let place = 0; place < this.#count; place += 1) {
      if (this.#alive[this.#slots[place] as number] === true) entries.push(this.#entryAt(place));
    }
    return entries.sort((a, b) => a.time - b.time || a.sequence - b.sequence);
  }

  save(): SavedQueue {
    const entries = this.entries().map((entry) => ({
      ...entry,
      payload: clonePlain(entry.payload, entry.kind),
    }));
    return { nextSequence: this.#nextSequence, entries };
  }

  load(saved: SavedQueue): void {
    this.#clear();
    this.#nextSequence = saved.nextSequence;
    for (const { time, sequence, target, kind, payload } of saved.entries) {
      this.#insert(time, sequence, target, kind, clonePlain(payload));
    }
  }

  digest(hasher: Hasher): void {
    hasher.f64(this.#nextSequence);
    hasher.u32(this.#live);
    for (const entry of this.entries()) {
      hasher.f64(entry.time);
      hasher.f64(entry.sequence);
      hasher.text(entry.target);
      hasher.text(entry.kind);
      hashPlain(hasher, entry.payload);
    }
  }

  #clear(): void {
    this.#count = 0;
    this.#live = 0;
    this.#alive = [];
    this.#payloads.length = 0;
    this.#freeSlots.length = 0;
    this.#slotOf.clear();
  }

  #entryAt(place: number): QueueEntry {
    const slot = this.#slots[place] as number;
    return {
      time: this.#times[place] as number,
      sequence: this.#sequences[place] as number,
      target: this.#targets[slot] as string,
      kind: this.#kinds[slot] as string,
      payload: this.#payloads[slot],
    };
  }

  #insert(time: Cycles, sequence: number, target: string, kind: string, payload: Plain): void {
    const slot = this.#freeSlots.pop() ?? this.#alive.length;
    this.#alive[slot] = true;
    this.#targets[slot] = target;
    this.#kinds[slot] = kind;
    this.#payloads[slot] = payload;
    this.#slotOf.set(sequence, slot);
    this.#live += 1;
    if (this.#count === this.#times.length) this.#grow();
    const place = this.#count;
    this.#count += 1;
    this.#rise(place, time, sequence, slot);
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const [times, sequences, slots] = [this.#times, this.#sequences, this.#slots];
    this.#times = new Float64Array(capacity);
    this.#sequences = new Float64Array(capacity);
    this.#slots = new Int32Array(capacity);
    this.#times.set(times);
    this.#sequences.set(sequences);
    this.#slots.set(slots);
  }

  /** Takes dead entries off the top. */
  #uncover(): void {
    while (this.#count > 0 && this.#alive[this.#slots[0] as number] === false) this.#removeTop();
  }

  /** Builds the heap again of the living alone; a sorted list is a heap. */
  #dropDead(): void {
    const alive = this.entries();
    this.#clear();
    for (const { time, sequence, target, kind, payload } of alive) {
      this.#insert(time, sequence, target, kind, payload);
    }
  }

  #removeTop(): void {
    const slot = this.#slots[0] as number;
    this.#alive[slot] = false;
    this.#payloads[slot] = null;
    this.#freeSlots.push(slot);
    const last = this.#count - 1;
    this.#count = last;
    if (last === 0) return;
    this.#sink(
      this.#times[last] as number,
      this.#sequences[last] as number,
      this.#slots[last] as number,
    );
  }

  #put(place: number, time: Cycles, sequence: number, slot: number): void {
    this.#times[place] = time;
    this.#sequences[place] = sequence;
    this.#slots[place] = slot;
  }

  #copy(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#sequences[to] = this.#sequences[from] as number;
    this.#slots[to] = this.#slots[from] as number;
  }

  /** True when the entry at a place comes before the one given. */
  #isBefore(place: number, time: Cycles, sequence: number): boolean {
    const placed = this.#times[place] as number;
    return placed < time || (placed === time && (this.#sequences[place] as number) < sequence);
  }

  #rise(from: number, time: Cycles, sequence: number, slot: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      if (this.#isBefore(parent, time, sequence)) break;
      this.#copy(parent, place);
      place = parent;
    }
    this.#put(place, time, sequence, slot);
  }

  #sink(time: Cycles, sequence: number, slot: number): void {
    const count = this.#count;
    let place = 0;
    for (;;) {
      const first = 4 * place + 1;
      if (first >= count) break;
      const end = first + 4 < count ? first + 4 : count;
      let least = first;
      for (let child = first + 1; child < end; child += 1) {
        if (this.#isBefore(child, this.#times[least] as number, this.#sequences[least] as number)) {
          least = child;
        }
      }
      if (!this.#isBefore(least, time, sequence)) break;
      this.#copy(least, place);
      place = least;
    }
    this.#put(place, time, sequence, slot);
  }
}
