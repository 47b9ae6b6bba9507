import { describe, expect, test } from "vitest";
import type { WorldSnapshot } from "./blueprint.ts";
import { PAGE_SIZE, PagedMemory } from "./paged-memory.ts";
import { Timeline } from "./timeline.ts";

function snapshotAt(time: number, memory?: PagedMemory): WorldSnapshot {
  const memoryImages = memory === undefined ? [] : [memory.capture()];
  return { time, now: time, steps: time / 10, registry: { names: [], saved: [] }, memoryImages };
}

/** Times of the snapshots held. */
function timesOf(timeline: Timeline, until: number): number[] {
  const times = new Set<number>();
  for (let time = 0; time <= until; time += 1) times.add(timeline.before(time)?.time ?? -1);
  return [...times];
}

describe("a timeline", () => {
  test("thins to every second snapshot, always with the start, and doubles the distance", () => {
    const timeline = new Timeline({ everyCycles: 10, maxSnapshots: 4, maxBytes: 1 << 30 });
    const due: number[] = [];
    while (timeline.nextTime <= 150) {
      due.push(timeline.nextTime);
      timeline.add(snapshotAt(timeline.nextTime));
    }
    expect(due).toEqual([0, 10, 20, 30, 40, 60, 80, 120]);
    expect(timesOf(timeline, 150)).toEqual([0, 40, 80, 120]);
  });

  test("counts a page that snapshots share once", () => {
    const memory = new PagedMemory(4 * PAGE_SIZE);
    const timeline = new Timeline({ everyCycles: 10, maxSnapshots: 9, maxBytes: 5 * PAGE_SIZE });
    memory.fill(0, 2 * PAGE_SIZE, 1);
    // Two pages written, and the one that all pages of zeros share.
    timeline.add(snapshotAt(0, memory));
    expect(timeline.heldBytes()).toBe(3 * PAGE_SIZE);
    memory.write8(0, 2);
    timeline.add(snapshotAt(10, memory));
    expect(timeline.heldBytes()).toBe(4 * PAGE_SIZE);
    memory.write8(0, 3);
    timeline.add(snapshotAt(20, memory));
    expect(timesOf(timeline, 30)).toEqual([0, 10, 20]);
    memory.write8(0, 4);
    timeline.add(snapshotAt(30, memory));
    expect(timesOf(timeline, 30)).toEqual([0, 20]);
  });

  test("forgets what lies after a moment or its decisions, and gives the last before a time", () => {
    const timeline = new Timeline({ everyCycles: 10, maxSnapshots: 9, maxBytes: 1 << 30 });
    for (const time of [0, 10, 20, 30]) timeline.add(snapshotAt(time));
    timeline.truncate(20, 3);
    expect(timesOf(timeline, 40)).toEqual([0, 10, 20]);
    expect(timeline.before(19)?.time).toBe(10);
    expect(timeline.nextTime).toBe(30);
    timeline.truncate(20, 1);
    expect(timesOf(timeline, 40)).toEqual([0, 10]);
  });

  test("has a distance, and room for two", () => {
    const options = { everyCycles: 10, maxSnapshots: 9, maxBytes: 1 };
    expect(() => new Timeline({ ...options, everyCycles: 0 })).toThrow("one cycle apart");
    expect(() => new Timeline({ ...options, maxSnapshots: 1 })).toThrow("room for two");
  });
});
