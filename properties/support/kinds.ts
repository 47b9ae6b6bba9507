/** Every kind of state that the snapshot registry takes, with a way to fill and to change it at random. */

import fc from "fast-check";
import type { Plain, TypedArray } from "../../src/sim/data.ts";
import { EventQueue } from "../../src/sim/event-queue.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import { SnapshotRegistry } from "../../src/sim/snapshot.ts";

/** A chunk of an image, and a part of one. */
export const KIND_PAGES = 521;
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
      fc.dictionary(fc.oneof(fc.string({ maxLength: 5 }), fc.constant("__proto__")), tie("tree"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  }));
  return tree;
}

/** A change to one registered thing. */
export type Change =
  | { readonly kind: "plain"; readonly value: Plain }
  /** A change inside a plain value, which stays the same object. */
  | { readonly kind: "inside"; readonly at: number; readonly value: number }
  | { readonly kind: "post"; readonly time: number; readonly value: number }
  /** A change inside what the first event carries. */
  | { readonly kind: "payload"; readonly value: number }
  | { readonly kind: "take" }
  | { readonly kind: "array"; readonly which: number; readonly at: number; readonly value: number }
  | {
      readonly kind: "memory";
      readonly how: "write" | "fill" | "write8" | "write16" | "write32" | "write64";
      readonly address: number;
      readonly bytes: Uint8Array;
    };

export function anyChange(): fc.Arbitrary<Change> {
  return fc.oneof(
    fc.record({ kind: fc.constant("plain" as const), value: anyPlain() }),
    fc.record({ kind: fc.constant("inside" as const), at: fc.nat(3), value: anyByte() }),
    fc.record({ kind: fc.constant("post" as const), time: fc.nat(9), value: anyByte() }),
    fc.record({ kind: fc.constant("payload" as const), value: anyByte() }),
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({
      kind: fc.constant("array" as const),
      which: fc.nat(ARRAYS.length - 1),
      at: fc.nat(15),
      value: anyByte(),
    }),
    { weight: 3, arbitrary: anyWrite() },
  );
}

function anyWrite(): fc.Arbitrary<Change> {
  return fc.record({
    kind: fc.constant("memory" as const),
    how: fc.constantFrom(
      "write" as const,
      "fill" as const,
      "write8" as const,
      "write16" as const,
      "write32" as const,
      "write64" as const,
    ),
    address: fc.oneof(
      fc.nat(KIND_PAGES * PAGE_SIZE - 1),
      fc.nat(KIND_PAGES - 2).map((page) => (page + 1) * PAGE_SIZE - 3),
      // At the ends of the first page, the first chunk and the memory.
      fc.constantFrom(1, 511, 512, KIND_PAGES).map((page) => page * PAGE_SIZE - 1),
    ),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
  });
}

const anyByte = (): fc.Arbitrary<number> => fc.integer({ min: 1, max: 127 });

interface Tree {
  readonly list: number[];
  readonly bytes: Uint8Array;
  readonly inner: { readonly list: { count: number }[] };
}

/** A registry with one piece of state of each kind. */
export class AllKinds {
  readonly registry = new SnapshotRegistry();
  readonly memory: PagedMemory;
  readonly #plain: { value: Plain };
  readonly #tree: { value: Tree };
  readonly #queue = new EventQueue();
  readonly #arrays: readonly TypedArray[];

  constructor(memory = new PagedMemory(KIND_PAGES * PAGE_SIZE, 8192)) {
    this.memory = memory;
    this.#plain = this.registry.plain<Plain>("plain", null);
    this.#tree = this.registry.plain<Tree>("tree", {
      list: [0, 0, 0, 0],
      bytes: new Uint8Array(4),
      inner: { list: [{ count: 0 }] },
    });
    this.registry.keeper("queue", this.#queue);
    this.#arrays = ARRAYS.map((make) => new make(16));
    this.#arrays.forEach((array, i) => this.registry.array(`array${i}`, array));
    this.registry.memory("memory", this.memory);
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "plain":
        this.#plain.value = change.value;
        break;
      case "inside":
        this.#changeInside(change.at, change.value);
        break;
      case "post":
        this.#queue.post(change.time, "target", "kind", { value: change.value });
        break;
      case "payload":
        for (const { payload } of this.#queue.entries().slice(0, 1)) {
          (payload as { value: number }).value = change.value;
        }
        break;
      case "take":
        if (this.#queue.size > 0) this.#queue.take();
        break;
      case "array":
        (this.#arrays[change.which] as Uint8Array)[change.at] = change.value;
        break;
      case "memory":
        this.#write(change.how, change.address, change.bytes);
    }
  }

  #write(how: (Change & { kind: "memory" })["how"], wanted: number, bytes: Uint8Array): void {
    const { memory } = this;
    const value = bytes[0] as number;
    const address = Math.min(wanted, memory.sizeBytes - Math.max(8, bytes.length));
    if (how === "write") memory.write(address, bytes);
    else if (how === "fill") memory.fill(address, bytes.length, value);
    else if (how === "write8") memory.write8(wanted, value);
    else if (how === "write16") memory.write16(address, value * 0x0101);
    else if (how === "write32") memory.write32(address, value * 0x01010101);
    else memory.write64(address, BigInt(value) * 0x0101010101010101n);
  }

  /** All that can be seen of the state, read without the registry's help. */
  look(): { readonly [part: string]: unknown } {
    return {
      plain: this.#plain.value,
      tree: structuredClone(this.#tree.value),
      queue: structuredClone(this.#queue.entries()),
      nextHandle: this.#queue.save().nextSequence,
      arrays: this.#arrays.map((array) => Array.from(array as Uint8Array)),
      bytes: this.memory.bytes.slice(),
    };
  }

  #changeInside(at: number, value: number): void {
    const { list, bytes, inner } = this.#tree.value;
    list[at] = value;
    bytes[at] = value;
    for (const item of inner.list) item.count += value;
  }
}
