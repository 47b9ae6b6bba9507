/**
 * What is scheduled, and what it waits in: Linux, include/linux/sched.h, struct sched_entity; kernel/sched/sched.h,
 * struct cfs_rq. Virtual time is nanoseconds of nice 0, rounded down; a product beyond 2^53 is rounded, alike in every
 * run.
 */

import type { TaskGroup } from "./group.ts";

/** What of a CPU its queues need. */
export interface RunQueueClock {
  readonly number: number;
  /** Never goes back. */
  clock: number;
}

/** A thread, or a group on one CPU. */
export class Entity {
  /** Ties are decided by it. */
  readonly id: number;
  /** The number of the thread, or -1. */
  readonly thread: number;
  /** Whose entity it is, if it is a group's. */
  readonly own: CfsRq | null;
  /** Where it is queued, or would be. */
  queue: CfsRq;
  weight: number;
  /** SCHED_IDLE, or cpu.idle. */
  isIdle = false;
  isQueued = false;
  /** It sleeps, but stays queued until it has paid what it ran ahead. */
  isDelayed = false;
  slice: number;
  hasOwnSlice = false;
  vruntime = 0;
  deadline = 0;
  /** `deadline` is relative to `vruntime`. */
  isRelative = false;
  /** Up to here it is not preempted by its equals. */
  protectedTo = 0;
  /** What it was owed when it left, in virtual time. */
  vlag = 0;
  execStart = 0;

  // Of the list of its CPU.
  isWaiting = false;
  before: Entity | null = null;
  after: Entity | null = null;

  // Of the tree.
  left: Entity | null = null;
  right: Entity | null = null;
  readonly rank: number;
  leastVruntime = 0;
  leastSlice = 0;

  constructor(given: {
    id: number;
    thread: number;
    own: CfsRq | null;
    queue: CfsRq;
    slice: number;
  }) {
    this.id = given.id;
    this.thread = given.thread;
    this.own = given.own;
    this.queue = given.queue;
    this.slice = given.slice;
    this.weight = 1024;
    this.rank = mix(given.id);
  }
}

/** What of one group, or of none, can run on one CPU. */
export class CfsRq {
  readonly rq: RunQueueClock;
  readonly group: TaskGroup;
  /** What stands for it in its parent's; null for the root's. */
  owner: Entity | null = null;

  /** All that wait, but for `curr`. */
  root: Entity | null = null;
  curr: Entity | null = null;
  /** Preferred while it is eligible. */
  next: Entity | null = null;
  /** Entities queued, with `curr` and delayed ones, and what they weigh. */
  queued = 0;
  load = 0;
  /** What the tree weighs, and the sum of (vruntime - zero) * weight over it. */
  treeWeight = 0;
  treeSum = 0;
  /** About the average vruntime. */
  zero = 0;
  /** Threads that can run, here and below, and are not throttled there. */
  runnable = 0;
  /** What it has run. */
  used = 0;

  // Of its bandwidth: kernel/sched/fair.c, account_cfs_rq_runtime.
  isLimited = false;
  /** What it may still run, of what it was handed. */
  remaining = 0;
  isThrottled = false;
  throttledAt = 0;

  constructor(rq: RunQueueClock, group: TaskGroup) {
    this.rq = rq;
    this.group = group;
  }
}

/** Spreads numbers so that a tree ordered by it is balanced. */
function mix(id: number): number {
  let hash = Math.imul(id + 1, 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
