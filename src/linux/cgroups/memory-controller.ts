/**
 * What groups may have of memory and what they have, in pages: each charge counts for a group and all above it. Linux,
 * Documentation/admin-guide/cgroup-v2.rst, Memory; mm/page_counter.c. Not modelled: memory.min and memory.low, limits of
 * swap, charges of the kernel's own frames.
 */

import { assert } from "../../sim/assert.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import type { Controller } from "./controllers.ts";

/** memory.events. */
export interface MemoryEvents {
  /** Times that a group went over memory.high, was held at memory.max, and got no memory. */
  high: number;
  max: number;
  oom: number;
}

interface MemoryGroup {
  readonly parent: number;
  /** Pages charged to it and to all below, and the most that they were. */
  usage: number;
  peak: number;
  /** Pages; null for no limit. */
  max: number | null;
  high: number | null;
  readonly events: MemoryEvents;
}

/** Who acts on limits, told after each change. */
export interface MemoryUser {
  limitsChanged(group: number): void;
  /** A task's memory is charged to this group from now on; what was charged stays. */
  attached(task: number, group: number): void;
  /** Charges of a group that goes become its parent's. */
  removed(group: number, parent: number): void;
}

const NOBODY = -1;

export class MemoryController implements Controller {
  readonly #cell: Cell<{ groups: (MemoryGroup | null)[] }>;
  user: MemoryUser | null = null;

  constructor(world: World, prefix: string) {
    this.#cell = world.registry.plain(`${prefix}cgroups.memory`, { groups: [newGroup(NOBODY)] });
  }

  created(group: number, parent: number): void {
    this.#cell.value.groups[group] = newGroup(parent);
  }

  removed(group: number): void {
    this.user?.removed(group, this.#of(group).parent);
    this.#cell.value.groups[group] = null;
  }

  attached(task: number, group: number): void {
    this.user?.attached(task, group);
  }

  of(group: number): Readonly<MemoryGroup> {
    return this.#of(group);
  }

  /** In bytes, or null for no limit: memory.max and memory.high round down to pages. */
  setLimit(group: number, which: "max" | "high", bytes: number | null): void {
    this.#of(group)[which] = bytes === null ? null : Math.floor(bytes / PAGE_SIZE);
    this.user?.limitsChanged(group);
  }

  /** Pages more for a group and all above it. */
  charge(group: number, pages: number): void {
    for (const each of this.#lineage(group)) {
      const counter = this.#of(each);
      counter.usage += pages;
      counter.peak = Math.max(counter.peak, counter.usage);
      assert(counter.usage >= 0, "what was charged is uncharged once");
    }
  }

  uncharge(group: number, pages: number): void {
    this.charge(group, -pages);
  }

  /** The first, from a group upwards, that would have more pages than a limit of it lets. */
  over(group: number, which: "max" | "high", pages: number): number | null {
    const isOver = (one: number): boolean => {
      const { usage, [which]: limit } = this.#of(one);
      return limit !== null && usage + pages > limit;
    };
    return this.#lineage(group).find(isOver) ?? null;
  }

  happened(group: number, event: keyof MemoryEvents): void {
    this.#of(group).events[event] += 1;
  }

  /** Whether a group is another or below it. */
  isWithin(group: number, above: number): boolean {
    return this.#lineage(group).includes(above);
  }

  /** A group and all above it. */
  #lineage(group: number): readonly number[] {
    const found: number[] = [];
    for (let at = group; at !== NOBODY; at = this.#of(at).parent) found.push(at);
    return found;
  }

  #of(group: number): MemoryGroup {
    const found = this.#cell.value.groups[group] ?? null;
    assert(found !== null, "a group is there");
    return found;
  }
}

const newGroup = (parent: number): MemoryGroup => ({
  parent,
  usage: 0,
  peak: 0,
  max: null,
  high: null,
  events: { high: 0, max: 0, oom: 0 },
});
