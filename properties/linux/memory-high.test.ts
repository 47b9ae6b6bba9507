/** What a group over memory.high has to wait. */

import { describe, expect, it } from "vitest";
import { ROOT } from "../../src/linux/cgroups/cgroup.ts";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import { hostMemory } from "../support/host-memory.ts";
import { must } from "../support/kvm-guest.ts";

/** MEMCG_CHARGE_BATCH: pages that the figures below are for. */
const BATCH = 64;

// Linux, mm/memcontrol.c, MEMCG_DELAY_SCALING_SHIFT: milliseconds by how many hundredths the group is over.
const FIGURES = [
  [0, 0],
  [1, 6],
  [2, 25],
  [3, 57],
  [4, 102],
  [5, 159],
  [6, 230],
  [7, 313],
  [8, 409],
  [9, 518],
  [10, 639],
] as const;

describe("a group over memory.high", () => {
  it.each(FIGURES)("by %i hundredths waits %i ms for a batch of pages", (over, milliseconds) => {
    const { manager, cgroups } = hostMemory(400);
    const group = must(cgroups.create(ROOT, "guest"));
    const space = manager.newSpace(1);
    cgroups.addTask(1, group);
    const pages = 300 + 3 * over;
    must(space.write(space.map(pages * PAGE_SIZE), new Uint8Array(pages * PAGE_SIZE)) ?? 0);
    cgroups.write(group, "memory.high", `${300 * PAGE_SIZE}`);
    const waits = (BATCH * manager.penaltyOf(group)) / 1_000_000;
    // The kernel's own arithmetic rounds down twice.
    expect(waits).toBeGreaterThanOrEqual(milliseconds);
    expect(waits).toBeLessThan(milliseconds + 2);
  });

  it("goes on after at most two seconds, and never for less than a hundredth", () => {
    const { manager, cgroups } = hostMemory(64);
    const group = must(cgroups.create(ROOT, "guest"));
    const space = manager.newSpace(1);
    cgroups.addTask(1, group);
    cgroups.write(group, "memory.high", `${20 * PAGE_SIZE}`);
    const start = space.map(60 * PAGE_SIZE);
    const holds = Array.from({ length: 60 }, (_, page) => {
      space.write(start + page * PAGE_SIZE, Uint8Array.of(1));
      return space.takeCosts().held;
    });
    expect(holds.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(holds.filter((held) => held > 0 && held < 10_000_000)).toEqual([]);
    expect(Math.max(...holds)).toBe(2_000_000_000);
  });
});
