/**
 * The snapshot registry: every piece of state that the simulation can change is registered here under a name, as a
 * plain value, a typed array or a paged memory. Snapshot, restore, fork, digest and comparison are written once, over
 * the registry, and no component takes part in them.
 */

import { assert } from "./assert.ts";
import {
  clonePlain,
  type Difference,
  firstDifference,
  hashPlain,
  type Plain,
  type TypedArray,
} from "./data.ts";
import type { Hasher } from "./hash.ts";
import { firstDifferentByte, type MemoryImage, type PagedMemory } from "./paged-memory.ts";

/** A plain value under a name. Read `value` at each use: restoring replaces it. */
export interface Cell<T> {
  value: T;
}

/** One registered piece of state, of whatever kind. */
export interface Entry {
  readonly name: string;
  /** A form of the state that never changes again. */
  save(): unknown;
  load(saved: unknown): void;
  digest(hasher: Hasher): void;
}

/** Keeps state in a form of its own. `save` gives plain data that never changes again. */
export interface Keeper<T> {
  save(): T;
  load(saved: T): void;
  /** Where it is not simply that of the saved form. */
  digest?(hasher: Hasher): void;
}

/** The state of all entries at one moment, in the order of registration. */
export interface RegistrySnapshot {
  readonly names: readonly string[];
  readonly saved: readonly unknown[];
}

class PlainEntry<T> implements Entry, Cell<T> {
  readonly name: string;
  value: T;

  constructor(name: string, value: T) {
    this.name = name;
    this.value = clonePlain(value, name);
  }

  save(): unknown {
    return clonePlain(this.value, this.name);
  }

  load(saved: unknown): void {
    this.value = clonePlain(saved as T);
  }

  digest(hasher: Hasher): void {
    hashPlain(hasher, this.value);
  }
}

class ArrayEntry implements Entry {
  readonly name: string;
  readonly #array: TypedArray;

  constructor(name: string, array: TypedArray) {
    this.name = name;
    this.#array = array;
  }

  save(): unknown {
    return this.#array.slice();
  }

  load(saved: unknown): void {
    (this.#array as Uint8Array).set(saved as Uint8Array);
  }

  digest(hasher: Hasher): void {
    hashPlain(hasher, this.#array);
  }
}

class MemoryEntry implements Entry {
  readonly name: string;
  readonly #memory: PagedMemory;

  constructor(name: string, memory: PagedMemory) {
    this.name = name;
    this.#memory = memory;
  }

  save(): unknown {
    return this.#memory.capture();
  }

  load(saved: unknown): void {
    this.#memory.restore(saved as MemoryImage);
  }

  digest(hasher: Hasher): void {
    this.#memory.digest(hasher);
  }
}

export class SnapshotRegistry {
  readonly #entries: Entry[] = [];
  readonly #names = new Set<string>();
  readonly #afterLoad: (() => void)[] = [];

  /** Registers a plain value; the cell holds a copy of `initial`. */
  plain<T extends Plain | object>(name: string, initial: T): Cell<T> {
    const entry = new PlainEntry(name, initial);
    this.add(entry);
    return entry;
  }

  /** Registers a typed array, whose place in memory stays; for large ones take a memory. */
  array(name: string, array: TypedArray): void {
    this.add(new ArrayEntry(name, array));
  }

  memory(name: string, memory: PagedMemory): void {
    this.add(new MemoryEntry(name, memory));
  }

  /** Registers what keeps its own state and can give it as plain data. */
  keeper<T>(name: string, keeper: Keeper<T>): void {
    this.add({
      name,
      save: () => keeper.save(),
      load: (saved) => keeper.load(saved as T),
      digest: (hasher) => {
        if (keeper.digest === undefined) hashPlain(hasher, keeper.save());
        else keeper.digest(hasher);
      },
    });
  }

  add(entry: Entry): void {
    assert(!this.#names.has(entry.name), `state has one name each, but ${entry.name} is taken`);
    this.#names.add(entry.name);
    this.#entries.push(entry);
  }

  /** Calls `rebuild` after each load: for what is derived from state and kept only to be quick. */
  derived(rebuild: () => void): void {
    this.#afterLoad.push(rebuild);
  }

  get names(): readonly string[] {
    return this.#entries.map((entry) => entry.name);
  }

  save(): RegistrySnapshot {
    return { names: this.names, saved: this.#entries.map((entry) => entry.save()) };
  }

  load(snapshot: RegistrySnapshot): void {
    assert(
      firstDifference(snapshot.names, this.names) === null,
      "a snapshot is loaded into a world of the same make",
    );
    this.#entries.forEach((entry, i) => entry.load(snapshot.saved[i]));
    for (const rebuild of this.#afterLoad) rebuild();
  }

  digest(hasher: Hasher): void {
    for (const entry of this.#entries) entry.digest(hasher);
  }
}

/**
 * Where two snapshots first differ: the entry's name and the path or address in it. What components have registered
 * comes before what the world keeps for itself, since a difference in the former is the story.
 */
export function firstSnapshotDifference(
  a: RegistrySnapshot,
  b: RegistrySnapshot,
): (Difference & { readonly name: string }) | null {
  const names = firstDifference(a.names, b.names);
  if (names !== null) return { ...names, name: "registry" };
  const order = [...a.names.keys()].sort(
    (i, k) => Number(isOwn(a, i)) - Number(isOwn(a, k)) || i - k,
  );
  for (const i of order) {
    const found = savedDifference(a.saved[i], b.saved[i]);
    if (found !== null) return { name: a.names[i] as string, ...found };
  }
  return null;
}

const isOwn = (snapshot: RegistrySnapshot, index: number): boolean =>
  (snapshot.names[index] as string).startsWith("world.");

function savedDifference(left: unknown, right: unknown): Difference | null {
  return isMemoryImage(left) && isMemoryImage(right)
    ? memoryDifference(left, right)
    : firstDifference(left, right);
}

function isMemoryImage(saved: unknown): saved is MemoryImage {
  return typeof saved === "object" && saved !== null && "chunks" in saved && "sizeBytes" in saved;
}

function memoryDifference(a: MemoryImage, b: MemoryImage): Difference | null {
  if (a.sizeBytes !== b.sizeBytes)
    return { path: ".sizeBytes", left: a.sizeBytes, right: b.sizeBytes };
  const address = firstDifferentByte(a, b);
  if (address === null) return null;
  return {
    path: `[0x${address.toString(16)}]`,
    left: byteAt(a, address),
    right: byteAt(b, address),
  };
}

function byteAt(image: MemoryImage, address: number): number {
  const page = Math.floor(address / 4096);
  return image.chunks[page >> 9]?.[page & 511]?.bytes[address % 4096] as number;
}
