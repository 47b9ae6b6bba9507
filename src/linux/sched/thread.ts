/** A thread as the scheduler has it: Linux, include/linux/sched.h, struct task_struct; sched(7), nice and policies. */

import { Entity } from "./entity.ts";
import { BASE_SLICE } from "./eevdf.ts";
import type { TaskGroup } from "./group.ts";
import { IDLE_WEIGHT, niceWeight } from "./weights.ts";

export type Policy = "SCHED_OTHER" | "SCHED_BATCH" | "SCHED_IDLE";

/** sched_setattr(2); a slice is sched_runtime, in nanoseconds. */
export interface Attributes {
  readonly policy: Policy;
  readonly nice: number;
  readonly slice: number | null;
}

export type ThreadState = "waits" | "queued" | "runs" | "over";

/** What a slice may be. */
const [LEAST_SLICE, LONGEST_SLICE] = [100_000, 100_000_000];

export class Thread {
  readonly number: number;
  readonly entity: Entity;
  state: ThreadState = "waits";
  isNew = true;
  /** Where it runs, waits, or ran last. */
  cpu = 0;
  group: TaskGroup;
  /** What it asked for; null for all. */
  affinity: readonly number[] | null = null;
  /** By CPU: 1 for those that it may be on now. */
  readonly allowed: Uint8Array;
  attributes: Attributes = { policy: "SCHED_OTHER", nice: 0, slice: null };
  hasSignal = false;
  /** When it left its CPU or was woken, and how long it could run and did not in all. */
  queuedAt = 0;
  /** When its turn on a CPU began, if it runs. */
  runsSince = 0;
  delay = 0;

  constructor(number: number, group: TaskGroup) {
    this.number = number;
    this.group = group;
    this.allowed = new Uint8Array(group.queues.length).fill(1);
    const [queue] = group.queues;
    if (queue === undefined) throw new RangeError("a host has a CPU");
    this.entity = new Entity({
      id: number * 2,
      thread: number,
      own: null,
      queue,
      slice: BASE_SLICE,
    });
  }

  get isBatch(): boolean {
    return this.attributes.policy !== "SCHED_OTHER";
  }

  get weight(): number {
    const { policy, nice } = this.attributes;
    return policy === "SCHED_IDLE" ? IDLE_WEIGHT : niceWeight(nice);
  }

  allows(cpu: number): boolean {
    return this.allowed[cpu] === 1;
  }

  /** While it is in no queue. */
  placeOn(cpu: number, group: TaskGroup): void {
    this.cpu = cpu;
    this.group = group;
    this.entity.queue = group.queues[cpu] ?? this.entity.queue;
  }

  /** What its attributes say of a request; takes effect with the next. */
  applySlice(): void {
    const { slice } = this.attributes;
    this.entity.hasOwnSlice = slice !== null;
    if (slice !== null) this.entity.slice = Math.max(LEAST_SLICE, Math.min(LONGEST_SLICE, slice));
  }
}
