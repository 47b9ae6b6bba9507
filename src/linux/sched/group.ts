/** A group of threads on all CPUs: Linux, kernel/sched/sched.h, struct task_group; kernel/sched/fair.c, calc_group_shares. */

import { type Pool, newPool } from "./bandwidth.ts";
import { CfsRq, Entity } from "./entity.ts";
import type { RunQueue } from "./run-queue.ts";
import { BASE_SLICE, reweight } from "./eevdf.ts";
import { LEAST_SHARES, NICE_0 } from "./weights.ts";

export class TaskGroup {
  readonly id: number;
  readonly parent: TaskGroup | null;
  /** By number of the CPU. */
  readonly queues: readonly CfsRq[];
  shares = NICE_0;
  isIdle = false;
  /** What its queues have been counted with in `load`, by CPU, and in all. */
  readonly counted: number[];
  load = 0;
  pool: Pool = newPool();

  /** The root's queues are the CPUs' own. */
  constructor(id: number, parent: TaskGroup | null, cpus: readonly RunQueue[]) {
    this.id = id;
    this.parent = parent;
    this.counted = cpus.map(() => 0);
    this.queues = cpus.map((rq) => {
      const queue = new CfsRq(rq, this);
      const above = parent?.queues[rq.number];
      // Numbers of threads are even.
      if (above !== undefined)
        queue.owner = new Entity({
          id: (id * cpus.length + rq.number) * 2 + 1,
          thread: -1,
          own: queue,
          queue: above,
          slice: BASE_SLICE,
        });
      return queue;
    });
  }
}

/** update_cfs_group: the entity gets of the group's shares what this CPU has of its load. */
export function updateShares({ own: queue }: Entity): void {
  if (queue === null) return;
  const { group, owner, rq } = queue;
  group.load += queue.load - (group.counted[rq.number] as number);
  group.counted[rq.number] = queue.load;
  if (owner === null || queue.load === 0 || queue.isThrottled) return;
  const share = Math.floor((group.shares * queue.load) / Math.max(group.load, 1));
  const weight = Math.max(LEAST_SHARES, Math.min(group.shares, share));
  if (weight !== owner.weight) reweight(owner.queue, owner, weight);
}
