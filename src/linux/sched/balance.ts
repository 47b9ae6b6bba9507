/**
 * Load balancing between the groups of a scheduling domain: Linux, kernel/sched/fair.c, sched_balance_rq,
 * sched_balance_find_src_group. What an idle CPU needs is a thread, so it looks at who waits and not at averages: Lozi
 * et al., "The Linux Scheduler: a Decade of Wasted Cores" (EuroSys 2016). Load is the weight of what can run now, with
 * no averages over time. Not modelled: active balancing (a running thread is left where it is), misfit tasks, caches.
 */

import type { Domain } from "./domains.ts";
import type { Entity } from "./entity.ts";
import type { RunQueue } from "./run-queue.ts";

/** imbalance_pct of domains above a core. */
const IMBALANCE_PERCENT = 117;

export interface Migration {
  readonly queues: readonly RunQueue[];
  /** It may run there, and nothing of its own keeps it. */
  mayMove(entity: Entity, to: RunQueue): boolean;
  move(entity: Entity, from: RunQueue, to: RunQueue): void;
}

interface Group {
  readonly queues: readonly RunQueue[];
  readonly isLocal: boolean;
  readonly waiters: number;
  readonly runnable: number;
  /** Load for each CPU. */
  readonly average: number;
}

function groupsOf({ queues }: Migration, domain: Domain, to: RunQueue): readonly Group[] {
  return domain.groups.map((cpus) => {
    const members = cpus.flatMap((cpu) => queues[cpu] ?? []);
    const sum = (of: (rq: RunQueue) => number): number =>
      members.reduce((total, rq) => total + of(rq), 0);
    return {
      queues: members,
      isLocal: members.includes(to),
      waiters: sum((rq) => rq.waiters),
      runnable: sum((rq) => rq.runnable),
      average: sum((rq) => rq.root.load) / members.length,
    };
  });
}

/** For a CPU with nothing to run: true if it has something now. */
export function pullForIdle(migration: Migration, domain: Domain, to: RunQueue): boolean {
  const groups = groupsOf(migration, domain, to)
    .filter(({ isLocal, waiters }) => !isLocal && waiters > 0)
    .toSorted((a, b) => b.waiters / b.queues.length - a.waiters / a.queues.length);
  for (const group of groups) {
    const busiest = group.queues
      .filter((rq) => rq.waiters > 0)
      .toSorted((a, b) => b.waiters - a.waiters);
    for (const from of busiest) if (pullOne(migration, from, to)) return true;
  }
  return false;
}

function pullOne(migration: Migration, from: RunQueue, to: RunQueue): boolean {
  for (let entity = from.waiting.first; entity !== null; entity = entity.after) {
    if (!migration.mayMove(entity, to)) continue;
    migration.move(entity, from, to);
    return true;
  }
  return false;
}

/** Between CPUs that are busy, so that weights count for the same everywhere: true if something was moved. */
export function evenOut(migration: Migration, domain: Domain, to: RunQueue): boolean {
  const groups = groupsOf(migration, domain, to);
  const local = groups.find(({ isLocal }) => isLocal);
  if (local === undefined || local.queues[0] !== to) return false;
  const busiest = groups
    .filter(({ isLocal, queues, runnable }) => !isLocal && runnable > queues.length)
    .reduce<Group | null>(
      (most, group) => (most && most.average >= group.average ? most : group),
      null,
    );
  if (busiest === null || busiest.average * 100 <= local.average * IMBALANCE_PERCENT) return false;
  const from = busiest.queues
    .filter((rq) => rq.waiters > 0)
    .reduce<RunQueue | null>(
      (most, rq) => (most && most.root.load >= rq.root.load ? most : rq),
      null,
    );
  return from !== null && pullLoad(migration, from, to);
}

/** Moves threads until half of the difference is gone. */
function pullLoad(migration: Migration, from: RunQueue, to: RunQueue): boolean {
  let left = (from.root.load - to.root.load) / 2;
  let hasMoved = false;
  for (const entity of from.waiting.all) {
    const load = loadOf(entity);
    if (load > left || !migration.mayMove(entity, to)) continue;
    migration.move(entity, from, to);
    left -= load;
    hasMoved = true;
  }
  return hasMoved;
}

/** task_h_load: what it is of its CPU's load. */
function loadOf(entity: Entity): number {
  let load = entity.weight;
  for (let at = entity.queue.owner; at !== null; at = at.queue.owner)
    load = (load * at.weight) / Math.max(1, at.own?.load ?? 1);
  return load;
}
