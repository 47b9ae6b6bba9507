/** Every kind of state that the snapshot registry takes, with a way to fill and to change it at random. */

import fc from "fast-check";
import type { Plain, TypedArray } from "../../src/sim/data.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import { SnapshotRegistry } from "../../src/sim/snapshot.ts";

export const KIND_PAGES = 1100;
const ARRAYS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float64Array,
] as const;

export function anyPlain(): fc.Arbitrary<Plain> {
  const { tree } = fc.letrec<{ tree: Plain }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        null,
        undefined,
        true,
        false,
        0,
        -0,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        2 ** 40,
      ),
      fc.integer(),
      fc.double(),
      fc.bigInt(),
      fc.string(),
      fc.uint8Array({ maxLength: 9 }),
      fc.float64Array({ maxLength: 3 }),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(
        fc.string({ maxLength: 5 }).filter((key) => key !== "__proto__"),
        tie("tree"),
        { maxKeys: 4, noNullPrototype: true },
      ),
    ),
  }));
  return tree;
}

/** A change to one registered thing. */
export type Change =
  | { readonly kind: "plain"; readonly value: Plain }
  | { readonly kind: "array"; readonly which: number; readonly at: number; readonly value: number }
  | { readonly kind: "memory"; readonly address: number; readonly bytes: Uint8Array };

export function anyChange(): fc.Arbitrary<Change> {
  return fc.oneof(
    fc.record({ kind: fc.constant("plain" as const), value: anyPlain() }),
    fc.record({
      kind: fc.constant("array" as const),
      which: fc.nat(ARRAYS.length - 1),
      at: fc.nat(15),
      value: fc.integer({ min: 1, max: 127 }),
    }),
    fc.record({
      kind: fc.constant("memory" as const),
      address: fc.oneof(
        fc.nat(KIND_PAGES * PAGE_SIZE - 1),
        fc.nat(KIND_PAGES - 2).map((page) => (page + 1) * PAGE_SIZE - 3),
      ),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
    }),
  );
}

/** A registry with one piece of state of each kind. */
export class AllKinds {
  readonly registry = new SnapshotRegistry();
  readonly memory: PagedMemory;
  readonly #plain: { value: Plain };
  readonly #arrays: readonly TypedArray[];

  constructor(memory = new PagedMemory(KIND_PAGES * PAGE_SIZE, 8192)) {
    this.memory = memory;
    this.#plain = this.registry.plain<Plain>("plain", null);
    this.#arrays = ARRAYS.map((make) => new make(16));
    this.#arrays.forEach((array, i) => this.registry.array(`array${i}`, array));
    this.registry.memory("memory", this.memory);
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "plain":
        this.#plain.value = change.value;
        break;
      case "array":
        (this.#arrays[change.which] as Uint8Array)[change.at] = change.value;
        break;
      case "memory": {
        const room = Math.min(change.bytes.length, this.memory.sizeBytes - change.address);
        this.memory.write(change.address, change.bytes.subarray(0, room));
      }
    }
  }

  /** All that can be seen of the state, read without the registry's help. */
  look(): { plain: Plain; arrays: unknown[]; bytes: Uint8Array } {
    const arrays = this.#arrays.map((array) => Array.from(array as Uint8Array));
    return { plain: this.#plain.value, arrays, bytes: this.memory.bytes.slice() };
  }
}
