import { describe, expect, test } from "vitest";
import { Hasher } from "./hash.ts";
import {
  firstDifferentByte,
  MemoryPool,
  PAGE_ENGINE_BITS,
  PAGE_SIZE,
  PAGE_UNHASHED,
  PAGE_UNSAVED,
  PagedMemory,
} from "./paged-memory.ts";

const ENGINE_BIT = 4;

function digest(memory: PagedMemory): string {
  const hasher = new Hasher();
  memory.digest(hasher);
  return hasher.hex();
}

/** A memory whose pages all carry an engine bit, and the list of pages that it reports. */
function watched(): { memory: PagedMemory; reported: number[] } {
  const memory = new PagedMemory(8 * PAGE_SIZE, PAGE_SIZE);
  const reported: number[] = [];
  memory.flags.fill(ENGINE_BIT);
  memory.onPageChanged = (page) => void reported.push(page);
  return { memory, reported };
}

describe("paged memory", () => {
  test("reports the pages that a write changes, once each, and leaves the engine's bits to the engine", () => {
    const { memory, reported } = watched();
    memory.write8(0, 1);
    memory.write16(2 * PAGE_SIZE - 1, 1);
    memory.write32(3 * PAGE_SIZE - 4, 1);
    memory.write64(5 * PAGE_SIZE - 1, 1n);
    memory.fill(6 * PAGE_SIZE, PAGE_SIZE + 1, 1);
    memory.write(7 * PAGE_SIZE, new Uint8Array(0));
    expect(reported).toEqual([0, 1, 2, 2, 4, 5, 6, 7]);
    expect([...memory.flags].map((flags) => flags & PAGE_ENGINE_BITS)).toEqual(
      Array.from({ length: 8 }, () => ENGINE_BIT),
    );
    memory.flags[0] = 0;
    memory.write8(0, 2);
    expect(reported).toHaveLength(8);
  });

  test("reports the pages that a restore changes, and no others", () => {
    const { memory, reported } = watched();
    memory.write8(PAGE_SIZE, 1);
    const image = memory.capture();
    memory.write8(PAGE_SIZE, 2);
    memory.write8(6 * PAGE_SIZE, 2);
    reported.length = 0;
    memory.restore(image);
    expect(reported).toEqual([1, 6]);
    expect([...memory.flags].map((flags) => flags & ENGINE_BIT)).not.toContain(0);
  });

  test("marks the pages written until an image and a digest have seen them", () => {
    const memory = new PagedMemory(4 * PAGE_SIZE);
    memory.write8(PAGE_SIZE, 1);
    expect([...memory.flags]).toEqual([0, PAGE_UNSAVED | PAGE_UNHASHED, 0, 0]);
    const image = memory.capture();
    expect([...memory.flags]).toEqual([0, PAGE_UNHASHED, 0, 0]);
    digest(memory);
    expect([...memory.flags]).toEqual([0, 0, 0, 0]);
    memory.write8(0, 1);
    expect(memory.distance(image)).toBe(1);
    memory.restore(image);
    expect(memory.distance(image)).toBe(0);
    expect([...memory.flags]).toEqual([PAGE_UNHASHED, 0, 0, 0]);
  });

  test("an image shares the pages not written since the one before", () => {
    const memory = new PagedMemory(1100 * PAGE_SIZE);
    memory.write8(0, 1);
    const first = memory.capture();
    memory.write8(PAGE_SIZE, 1);
    const second = memory.capture();
    expect(second.chunks[0]?.[0]).toBe(first.chunks[0]?.[0]);
    expect(second.chunks[0]?.[1]).not.toBe(first.chunks[0]?.[1]);
    expect(second.chunks[1]).toBe(first.chunks[1]);
  });

  test("the digest knows where a page lies", () => {
    const [a, b] = [0, 1].map((page) => {
      const memory = new PagedMemory(2 * PAGE_SIZE);
      memory.write8(page * PAGE_SIZE, 1);
      return digest(memory);
    });
    expect(a).not.toBe(b);
  });

  test.each([0, 4095, 511 * PAGE_SIZE, 512 * PAGE_SIZE, 1100 * PAGE_SIZE - 1])(
    "finds a difference at byte %i, also of pages that are written alike",
    (address) => {
      const images = [1, 2].map((value) => {
        const memory = new PagedMemory(1100 * PAGE_SIZE);
        for (let page = 0; page < 1100; page += 100) memory.write8(page * PAGE_SIZE + 7, 7);
        memory.write8(address, value);
        return memory.capture();
      });
      const [a, b] = images as [(typeof images)[0], (typeof images)[0]];
      expect(firstDifferentByte(a, b)).toBe(address);
      expect(firstDifferentByte(a, a)).toBe(null);
    },
  );

  test("a read or write past the end is a mistake", () => {
    const memory = new PagedMemory(PAGE_SIZE);
    expect(() => memory.write(PAGE_SIZE - 1, new Uint8Array(2))).toThrow("lies in the memory");
    expect(() => memory.read(-1, 2)).toThrow("lies in the memory");
    expect(memory.read(PAGE_SIZE - 1, 1)).toEqual(Uint8Array.of(0));
  });
});

describe("the pool", () => {
  test("gives a used memory without engine bits, listener or content", () => {
    const pool = new MemoryPool();
    const { memory, reported } = watched();
    memory.write8(5, 1);
    const engine = new Uint8Array(memory.wasm.buffer, 0, memory.engineBytes).fill(7);
    pool.give(memory);
    reported.length = 0;
    const taken = pool.take(memory.sizeBytes, memory.engineBytes);
    expect(taken).toBe(memory);
    expect(taken.read8(5)).toBe(0);
    expect(engine.length > 0 && engine.every((byte) => byte === 0)).toBe(true);
    expect([...taken.flags].map((flags) => flags & PAGE_ENGINE_BITS)).not.toContain(ENGINE_BIT);
    taken.flags[0] = ENGINE_BIT;
    taken.write8(5, 1);
    expect(reported).toEqual([]);
  });

  test("gives the free memory nearest to the image, never one that is out, and only of that make", () => {
    const pool = new MemoryPool();
    const [near, far] = [pool.take(8 * PAGE_SIZE), pool.take(8 * PAGE_SIZE)];
    expect(near).not.toBe(far);
    near.fill(0, 8 * PAGE_SIZE, 1);
    const image = near.capture();
    near.write8(0, 2);
    pool.give(far);
    pool.give(near);
    expect(pool.take(8 * PAGE_SIZE, PAGE_SIZE)).not.toBe(near);
    expect(pool.take(8 * PAGE_SIZE, 0, image)).toBe(near);
    expect(near.read8(0)).toBe(1);
    expect(pool.take(8 * PAGE_SIZE, 0, image)).toBe(far);
    expect(far.read8(0)).toBe(1);
  });

  test("keeps no more memories than its limit", () => {
    const pool = new MemoryPool(1);
    const [first, second] = [pool.take(PAGE_SIZE), pool.take(PAGE_SIZE)];
    pool.give(first);
    pool.give(second);
    expect(pool.take(PAGE_SIZE)).toBe(first);
    expect(pool.take(PAGE_SIZE)).not.toBe(second);
  });
});
