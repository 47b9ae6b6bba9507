/**
 * The queues of one CPU, from the root's down to the groups': who comes, who goes, who is next, and what all that run
 * have used. Linux, kernel/sched/fair.c, enqueue_task_fair, dequeue_entities, pick_task_fair, throttle_cfs_rq.
 */

import { assert } from "../../sim/assert.ts";
import { giveBack, hand } from "./bandwidth.ts";
import type { CfsRq, Entity } from "./entity.ts";
import {
  account,
  delay,
  dequeue,
  enqueue,
  pick,
  protect,
  putPrev,
  real,
  requeue,
  setNext,
} from "./eevdf.ts";
import { WaitingList } from "./waiting-list.ts";
import { type TaskGroup, updateShares } from "./group.ts";

/** What a queue needs of those who keep time. */
export interface BandwidthTimers {
  startPeriod(group: TaskGroup): void;
  startSlack(group: TaskGroup): void;
}

export class RunQueue {
  readonly number: number;
  clock = 0;
  /** The thread that runs. */
  curr: Entity | null = null;
  /** When another one may be due, by this CPU's clock. */
  until = 0;
  isOnline = true;
  /** Threads that can run and do not, those first that came first. */
  readonly waiting = new WaitingList();
  readonly #timers: BandwidthTimers;
  #root: CfsRq | null = null;

  constructor(number: number, timers: BandwidthTimers) {
    this.number = number;
    this.#timers = timers;
  }

  get root(): CfsRq {
    assert(this.#root !== null, "a run queue has a root");
    return this.#root;
  }

  set root(root: CfsRq) {
    this.#root = root;
  }

  /** Threads that can run here and are not throttled. */
  get runnable(): number {
    return this.root.runnable;
  }

  /** Threads that could run and do not. */
  get waiters(): number {
    return Math.max(0, this.root.runnable - (this.curr === null ? 0 : 1));
  }

  /** available_idle_cpu: nobody runs, and nobody will. */
  get isIdle(): boolean {
    return this.curr === null && this.root.runnable === 0;
  }

  /** update_curr, on all levels. */
  account(): void {
    for (let at = this.curr; at !== null; at = at.queue.owner) {
      const ran = account(at.queue);
      if (ran > 0 && at.queue.isLimited) this.#charge(at.queue, ran);
    }
  }

  /** enqueue_task_fair. */
  enqueue(entity: Entity, isNew = false): void {
    this.waiting.add(entity);
    const { queue } = entity;
    if (entity.isDelayed) {
      requeue(queue, entity);
      this.#updateShares(queue.owner);
    } else this.#enqueueUp(entity, isNew);
    countUp(queue, 1);
  }

  /** dequeue_task_fair. One that sleeps may stay in its queue for a while. */
  dequeue(entity: Entity, sleeps: boolean): void {
    this.waiting.delete(entity);
    const { queue } = entity;
    if (!entity.isDelayed) countUp(queue, -1);
    this.#dequeueUp(entity, sleeps, sleeps && !entity.isDelayed);
  }

  /** What is delayed leaves. */
  leave(entity: Entity): void {
    this.#dequeueUp(entity, true, false);
  }

  /** pick_next_task_fair, without the switch. */
  pick(): Entity | null {
    let queue = this.root;
    for (;;) {
      if (queue.isLimited && !queue.isThrottled && queue.remaining <= 0 && !this.#refill(queue)) {
        this.#throttle(queue);
        queue = this.root;
        continue;
      }
      const picked = pick(queue, true);
      if (picked === null) return null;
      if (picked.isDelayed) {
        this.#dequeueUp(picked, true, false);
        queue = this.root;
      } else if (picked.own === null) return picked;
      else queue = picked.own;
    }
  }

  /** The entities of who ran are put back, and those of who runs are taken, but for what they share. */
  switchTo(next: Entity | null): void {
    const before = this.curr;
    for (let at = before; at !== null && !isAncestor(at, next); at = at.queue.owner)
      putPrev(at.queue, at);
    for (let at = next; at !== null; at = at.queue.owner)
      if (at.queue.curr !== at) setNext(at.queue, at);
      else if (at.vruntime >= at.protectedTo) protect(at.queue, at);
    if (before !== next && before !== null && before.isQueued && !before.isDelayed)
      this.waiting.add(before);
    if (next !== null) this.waiting.delete(next);
    this.curr = next;
  }

  /** How long who runs goes on undisturbed: until its slice ends where others wait, or its group's runtime. */
  timeLeft(): number {
    let left = Infinity;
    for (let at = this.curr; at !== null; at = at.queue.owner) {
      const { queue } = at;
      if (queue.queued > 1) {
        const end = Math.min(at.deadline, Math.max(at.protectedTo, at.vruntime));
        left = Math.min(left, real(end - at.vruntime, at));
      }
      if (queue.isLimited) left = Math.min(left, queue.remaining);
    }
    return Math.max(1, left);
  }

  /** unthrottle_cfs_rq. */
  unthrottle(queue: CfsRq): void {
    queue.isThrottled = false;
    queue.group.pool.throttledTime += Math.max(0, this.clock - queue.throttledAt);
    const { owner, runnable } = queue;
    if (owner === null || queue.queued === 0) return;
    this.account();
    this.#enqueueUp(owner, false);
    countUp(owner.queue, runnable);
  }

  #throttle(queue: CfsRq): void {
    const { owner, runnable } = queue;
    assert(owner !== null, "the root has no limit");
    countUp(owner.queue, -runnable);
    this.#dequeueUp(owner, true, false);
    queue.isThrottled = true;
    queue.throttledAt = this.clock;
  }

  #enqueueUp(entity: Entity, isNew: boolean): void {
    let at: Entity | null = entity;
    for (; at !== null && (!at.isQueued || at.isDelayed); at = at.queue.owner) {
      updateShares(at);
      if (at.isDelayed) requeue(at.queue, at);
      else enqueue(at.queue, at, isNew && at === entity);
      if (at.queue.isThrottled) return;
    }
    this.#updateShares(at);
  }

  /** `mayStay`: the first may be delayed; a group's own entity always may, unless it is throttled. */
  #dequeueUp(entity: Entity, sleeps: boolean, mayStay: boolean): void {
    let at: Entity | null = entity;
    let isSleep = sleeps;
    let mayDelay = mayStay;
    while (at !== null) {
      const queue: CfsRq = at.queue;
      if (mayDelay && delay(queue, at)) break;
      dequeue(queue, at, isSleep);
      updateShares(at);
      if (queue.queued > 0 || queue.isThrottled) break;
      if (queue.isLimited && giveBack(queue.group.pool, queue))
        this.#timers.startSlack(queue.group);
      at = queue.owner;
      isSleep = true;
      mayDelay = true;
    }
    this.#updateShares(at?.queue.owner ?? null);
  }

  #updateShares(entity: Entity | null): void {
    for (let at = entity; at !== null; at = at.queue.owner) updateShares(at);
  }

  /** account_cfs_rq_runtime. */
  #charge(queue: CfsRq, ran: number): void {
    queue.remaining -= ran;
    if (queue.remaining <= 0 && !queue.isThrottled) this.#refill(queue);
  }

  /** assign_cfs_rq_runtime: false if there is nothing to run with. */
  #refill(queue: CfsRq): boolean {
    const { group } = queue;
    this.#timers.startPeriod(group);
    return hand(group.pool, queue);
  }
}

/** Throttled queues are not counted above. */
function countUp(queue: CfsRq, runnable: number): void {
  for (let at: CfsRq | null = queue; at !== null; at = at.owner?.queue ?? null) {
    at.runnable += runnable;
    if (at.isThrottled) return;
  }
}

function isAncestor(entity: Entity, of: Entity | null): boolean {
  for (let at = of; at !== null; at = at.queue.owner) if (at === entity) return true;
  return false;
}
