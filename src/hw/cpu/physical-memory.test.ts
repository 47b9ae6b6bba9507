import { expect, test } from "vitest";
import { PagedMemory } from "../../sim/paged-memory.ts";
import { INTEL } from "./cpuid/profile.ts";
import { BareEnvironment } from "./environment.ts";
import { FlatMemory } from "./flat-memory.ts";
import { PhysicalMemory } from "./physical-memory.ts";

const PAGE = 4096;

test("read-only pages keep what they hold, pages of devices have none, and both say so again when asked", () => {
  const seen: string[] = [];
  const memory = new PhysicalMemory(new PagedMemory(4 * PAGE, PAGE), {
    read: (address, size) => {
      seen.push(`read ${address} ${size}`);
      return 0x11n;
    },
    write: (address, size, value) => {
      seen.push(`write ${address} ${size} ${value}`);
    },
  });
  let forgotten = 0;
  memory.onForget(() => {
    forgotten += 1;
  });
  memory.write(PAGE, 4, 0x1234_5678n);
  memory.setKind(PAGE, PAGE, "rom");
  memory.setKind(2 * PAGE, PAGE, "device");
  memory.write(PAGE, 4, 0n);
  expect(memory.read(PAGE, 4)).toBe(0x1234_5678n);
  expect(memory.place(PAGE, "write")).toBeNull();
  expect(memory.place(PAGE, "read")).not.toBeNull();
  expect(memory.place(2 * PAGE, "read")).toBeNull();
  expect(memory.read(2 * PAGE + 4, 2)).toBe(0x11n);
  memory.write(2 * PAGE, 8, 5n);
  // Three bytes at the end of a page come one by one.
  expect(memory.read(3 * PAGE - 3, 3)).toBe(0x11_1111n);
  expect(memory.read(9 * PAGE, 4)).toBe(0x11n);
  expect(seen).toEqual([
    "read 8196 2",
    "write 8192 8 5",
    "read 12287 1",
    "read 12286 1",
    "read 12285 1",
    "read 36864 4",
  ]);
  expect(forgotten).toBe(2);
});

test("memory without translations has none to invalidate", () => {
  const memory = new FlatMemory(new PagedMemory(PAGE, PAGE), 0n);
  const found = memory.read(8n, 4, "read");
  memory.contextChanged();
  memory.invalidatePage();
  memory.invalidatePageOf();
  memory.invalidatePcid();
  memory.invalidateAll();
  expect(memory.loadPdptes()).toBeNull();
  expect(memory.read(8n, 4, "read")).toBe(found);
});

test("nothing is around a bare CPU", () => {
  const environment = new BareEnvironment(INTEL);
  expect(environment.isInterruptAsserted()).toBe(false);
  expect(environment.acknowledgeInterrupt()).toBe(0);
  expect([1, 2, 4].map((size) => environment.readPort(0x80, size))).toEqual([
    0xff, 0xffff, 0xffff_ffff,
  ]);
});

test("a read of any size is what its bytes say, all of them", () => {
  const memory = new PhysicalMemory(new PagedMemory(PAGE, PAGE));
  for (let at = 0; at < 16; at += 1) memory.write(at, 1, BigInt(0xf1 + at));
  for (let size = 1; size <= 8; size += 1) {
    let bytes = 0n;
    for (let i = size - 1; i >= 0; i -= 1) bytes = (bytes << 8n) | memory.read(3 + i, 1);
    expect(memory.read(3, size)).toBe(bytes);
  }
});
