/**
 * The groups of the CPU controller as the scheduler has them, and the time that their limits keep: Linux,
 * kernel/sched/core.c, sched_create_group; kernel/sched/fair.c, sched_cfs_period_timer, sched_cfs_slack_timer.
 */

import type { Plain } from "../../sim/data.ts";
import type { World } from "../../sim/world.ts";
import type { CpuController, CpuStat } from "../cgroups/cpu-controller.ts";
import { endOfPeriod, hand, refill, setLimits } from "./bandwidth.ts";
import type { CfsRq } from "./entity.ts";
import { reweight } from "./eevdf.ts";
import { TaskGroup, updateShares } from "./group.ts";
import type { RunQueue } from "./run-queue.ts";
import { groupShares, IDLE_WEIGHT } from "./weights.ts";

/** sched_cfs_slack_timer: cfs_bandwidth_slack_period. */
const SLACK_DELAY = 5_000_000;
const NS_PER_US = 1000;
const ROOT = 0;

/** What groups ask of the CPUs. */
export interface CpusOfGroups {
  readonly queues: readonly RunQueue[];
  /** The queue's clock is the present, and what ran is accounted for. */
  sync(rq: RunQueue): void;
  /** Another one may be due. */
  changed(rq: RunQueue): void;
}

export class TaskGroups {
  readonly #world: World;
  readonly #name: string;
  readonly #cpus: CpusOfGroups;
  readonly #groups: (TaskGroup | null)[] = [];

  /** `name` is that of the component that is told of ends of periods. */
  constructor(world: World, name: string, cpus: CpusOfGroups) {
    this.#world = world;
    this.#name = name;
    this.#cpus = cpus;
    const root = new TaskGroup(ROOT, null, cpus.queues);
    for (const rq of cpus.queues) rq.root = root.queues[rq.number] as CfsRq;
    this.#groups.push(root);
  }

  of(group: number): TaskGroup {
    const found = this.#groups[group] ?? this.#groups[ROOT];
    return found as TaskGroup;
  }

  get all(): readonly (TaskGroup | null)[] {
    return this.#groups;
  }

  /** As they were when the state was saved: parents by number, -1 for none, null for no group. */
  restore(parents: readonly (number | null)[]): void {
    this.#groups.length = 1;
    const make = (group: number): TaskGroup => {
      const made = this.#groups[group] ?? null;
      if (made !== null) return made;
      const added = new TaskGroup(group, make(parents[group] ?? ROOT), this.#cpus.queues);
      this.#groups[group] = added;
      return added;
    };
    for (const [group, parent] of parents.entries())
      if (parent === null) this.#groups[group] = null;
      else make(group);
  }

  create(group: number, parent: number): void {
    this.#groups[group] = new TaskGroup(group, this.of(parent), this.#cpus.queues);
  }

  /** Nobody is in it; what is delayed has left. */
  remove(group: number): void {
    const { counted } = this.of(group);
    for (const rq of this.#cpus.queues) {
      const owner = this.of(group).queues[rq.number]?.owner ?? null;
      if (owner?.isQueued !== true) continue;
      this.#cpus.sync(rq);
      rq.leave(owner);
    }
    counted.fill(0);
    this.#groups[group] = null;
  }

  /** cpu.weight or cpu.idle. */
  setWeight(group: number, controller: CpuController): void {
    const of = this.of(group);
    const { weight, isIdle } = controller.settings(group);
    of.shares = isIdle ? IDLE_WEIGHT : groupShares(weight);
    of.isIdle = isIdle;
    for (const { owner, rq } of of.queues) {
      if (owner === null) continue;
      const queue = this.#cpus.queues[rq.number] as RunQueue;
      this.#cpus.sync(queue);
      owner.isIdle = isIdle;
      if (owner.own?.load === 0) reweight(owner.queue, owner, of.shares);
      else updateShares(owner);
      this.#cpus.changed(queue);
    }
  }

  setBandwidth(group: number, controller: CpuController): void {
    const { pool, queues } = this.of(group);
    for (const rq of this.#cpus.queues) this.#cpus.sync(rq);
    setLimits(pool, controller.settings(group).bandwidth, this.#world.now);
    for (const queue of queues) {
      queue.isLimited = pool.quota !== Infinity;
      queue.remaining = 0;
      this.#release(queue);
      this.#cpus.changed(this.#cpus.queues[queue.rq.number] as RunQueue);
    }
  }

  stat(group: number): CpuStat {
    const { pool, queues } = this.of(group);
    for (const rq of this.#cpus.queues) this.#cpus.sync(rq);
    const used = queues.reduce((sum, { used: time }) => sum + time, 0);
    const us = (time: number): number => Math.floor(time / NS_PER_US);
    return {
      usageUs: us(used),
      periods: pool.periods,
      throttled: pool.throttled,
      throttledUs: us(pool.throttledTime),
      bursts: pool.bursts,
      burstUs: us(pool.burstTime),
    };
  }

  /** start_cfs_bandwidth. */
  startPeriod({ id, pool }: TaskGroup): void {
    if (pool.isActive) return;
    pool.isActive = true;
    pool.end = endOfPeriod(pool, this.#world.now);
    this.#world.post(pool.end, this.#name, "period", { group: id });
  }

  startSlack({ id, pool }: TaskGroup): void {
    if (pool.hasSlackTimer || !pool.isActive) return;
    pool.hasSlackTimer = true;
    this.#world.postIn(SLACK_DELAY, this.#name, "slack", { group: id });
  }

  /** do_sched_cfs_period_timer. */
  endPeriod(payload: Plain): void {
    const found = this.#groupIn(payload);
    // Limits that have been set anew have another end.
    if (found?.pool.isActive !== true || found.pool.end !== this.#world.now) return;
    const { pool, queues } = found;
    pool.isActive = false;
    if (pool.quota === Infinity) return;
    for (const rq of this.#cpus.queues) this.#cpus.sync(rq);
    refill(pool, queues, this.#world.now);
    const throttled = queues.filter(({ isThrottled }) => isThrottled);
    if (throttled.length > 0) pool.throttled += 1;
    // A period in which nobody asked for runtime is the last.
    if (pool.isIdle && throttled.length === 0) return;
    pool.isIdle = throttled.length === 0;
    this.startPeriod(found);
    this.#distribute(found, throttled);
  }

  endSlack(payload: Plain): void {
    const found = this.#groupIn(payload);
    if (found?.pool.hasSlackTimer !== true) return;
    found.pool.hasSlackTimer = false;
    this.#distribute(
      found,
      found.queues.filter(({ isThrottled }) => isThrottled),
    );
  }

  /** distribute_cfs_runtime: those first that were throttled first. */
  #distribute({ pool }: TaskGroup, throttled: readonly CfsRq[]): void {
    const order = throttled.toSorted((a, b) => a.throttledAt - b.throttledAt);
    for (const queue of order) {
      if (pool.runtime <= 0) return;
      const wanted = Math.min(pool.runtime, 1 - queue.remaining);
      pool.runtime -= wanted;
      queue.remaining += wanted;
      if (queue.remaining > 0) this.#release(queue);
    }
  }

  #release(queue: CfsRq): void {
    if (!queue.isThrottled) return;
    const rq = this.#cpus.queues[queue.rq.number] as RunQueue;
    this.#cpus.sync(rq);
    if (queue.isLimited && queue.remaining <= 0) hand(queue.group.pool, queue);
    rq.unthrottle(queue);
    this.#cpus.changed(rq);
  }

  #groupIn(payload: Plain): TaskGroup | null {
    return this.#groups[(payload as { readonly group: number }).group] ?? null;
  }
}
