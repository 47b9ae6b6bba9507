/**
 * Who gets frames and who has to give them: tasks are charged through their groups, a group at its limit takes pages from
 * those within it, and the whole host from everybody. Linux, Documentation/admin-guide/cgroup-v2.rst, Memory;
 * mm/memcontrol.c, try_charge_memcg; mm/vmscan.c, shrink_node.
 *
 * Not modelled: kswapd and watermarks, zones; a group without memory gets ENOMEM where Linux kills a task.
 */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import type { World } from "../../sim/world.ts";
import type { MemoryController, MemoryUser } from "../cgroups/memory-controller.ts";
import { AddressSpace, type Backing } from "./address-space.ts";
import { BLOCK_FRAMES, type FrameOwner, Frames } from "./frames.ts";
import { Ksm } from "./ksm.ts";
import { Swap } from "./swap.ts";

const ROOT = 0;
const SECOND = 1_000_000_000;
/** SWAP_CLUSTER_MAX: pages that are taken at once. */
const CLUSTER = 32;
/** DEF_PRIORITY: first a 4096th of each task's pages is looked at, in the end all. */
const PRIORITIES = 12;

export interface MemoryManagerParts {
  readonly world: World;
  readonly prefix: string;
  readonly ram: PagedMemory;
  /** Of the swap device. */
  readonly swapBytes: number;
  readonly controller: MemoryController;
}

export class MemoryManager implements Backing, MemoryUser {
  readonly frames: Frames;
  readonly swap: Swap;
  readonly ksm: Ksm;
  readonly #world: World;
  readonly #prefix: string;
  readonly #controller: MemoryController;
  /** By number of the task. */
  readonly #spaces = new Map<number, AddressSpace>();

  constructor({ world, prefix, ram, swapBytes, controller }: MemoryManagerParts) {
    const frames = new Frames(ram);
    this.#world = world;
    this.#prefix = prefix;
    this.frames = frames;
    this.swap = new Swap(Math.floor(swapBytes / PAGE_SIZE));
    this.#controller = controller;
    this.ksm = new Ksm(world, prefix, frames, (task) => this.#spaces.get(task) ?? null);
    frames.accounts = {
      uncharge: (group) => controller.uncharge(group, 1),
      unmerge: (frame) => this.ksm.forget(frame),
    };
    controller.user = this;
    const { held, spare, charged, merged } = frames;
    for (const [name, array] of Object.entries({ held, spare, charged, merged }))
      world.registry.array(`${prefix}frames.${name}`, array);
    world.registry.keeper(`${prefix}swap`, this.swap);
  }

  newSpace(task: number): AddressSpace {
    const space = new AddressSpace(this, `task ${task}`);
    this.#spaces.set(task, space);
    this.#world.registry.keeper(`${this.#prefix}task${task}.memory`, space);
    return space;
  }

  allocate(owner: FrameOwner, group: number): number | null {
    if (!this.#charge(group)) return null;
    for (;;) {
      const frame = this.frames.allocate(owner, group);
      if (frame !== null) return frame;
      if (this.#reclaim(ROOT, CLUSTER) > 0) continue;
      this.#controller.uncharge(group, 1);
      return null;
    }
  }

  allocateBlock(owner: FrameOwner, group: number): number | null {
    const controller = this.#controller;
    const isOver = (which: "max" | "high"): boolean =>
      controller.over(group, which, BLOCK_FRAMES) !== null;
    if (isOver("max") || isOver("high")) return null;
    const block = this.frames.allocateBlock(owner, group);
    if (block !== null) controller.charge(group, BLOCK_FRAMES);
    return block;
  }

  /** Grows with the square of how far it is over: calculate_high_delay. */
  penaltyOf(group: number): number {
    const over = this.#controller.over(group, "high", 0);
    if (over === null) return 0;
    const { usage, high } = this.#controller.of(over);
    const share = (usage - (high ?? usage)) / Math.max(1, high ?? 1);
    return Math.floor(share * share * SECOND);
  }

  limitsChanged(group: number): void {
    this.#shrink(group, "high");
    this.#shrink(group, "max");
  }

  attached(task: number, group: number): void {
    const space = this.#spaces.get(task);
    if (space !== undefined) space.group = group;
  }

  removed(group: number, parent: number): void {
    const { charged } = this.frames;
    for (const [frame, of] of charged.entries()) if (of === group) charged[frame] = parent;
  }

  /** One page more for a group; false, and none, when that cannot be within the limits. */
  #charge(group: number): boolean {
    const controller = this.#controller;
    for (;;) {
      const full = controller.over(group, "max", 1);
      if (full === null) break;
      controller.happened(full, "max");
      if (this.#reclaim(full, CLUSTER) > 0) continue;
      controller.happened(full, "oom");
      return false;
    }
    controller.charge(group, 1);
    const high = controller.over(group, "high", 0);
    if (high !== null) {
      controller.happened(high, "high");
      this.#reclaim(high, CLUSTER);
    }
    return true;
  }

  /** A limit has been lowered: what can go goes. */
  #shrink(group: number, which: "max" | "high"): void {
    for (;;) {
      const { usage, [which]: limit } = this.#controller.of(group);
      if (limit === null || usage <= limit) return;
      if (this.#reclaim(group, Math.min(CLUSTER, usage - limit)) === 0) return;
    }
  }

  /** Pages that tasks of a group and below do not use, each of them in proportion to what it has. How many were freed. */
  #reclaim(group: number, wanted: number): number {
    const spaces = [...this.#spaces.values()].filter((space) =>
      this.#controller.isWithin(space.group, group),
    );
    let freed = 0;
    // In the end twice all: what was used when it was looked at first may not be used any more.
    for (let priority = PRIORITIES; priority >= -1 && freed < wanted; priority -= 1)
      for (const space of spaces) {
        if (freed >= wanted) break;
        freed += space.swapOut(space.resident >>> Math.max(0, priority), wanted - freed);
      }
    return freed;
  }
}
