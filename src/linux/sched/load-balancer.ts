/**
 * When CPUs look for work elsewhere: as they run out of it, and from time to time while anybody waits. Linux,
 * Documentation/scheduler/sched-domains.rst; kernel/sched/fair.c, sched_balance_newidle, sched_balance_domains. One
 * event stands for the ticks of all CPUs, those that are idle too (nohz_idle_balance).
 */

import type { World } from "../../sim/world.ts";
import { evenOut, type Migration, pullForIdle } from "./balance.ts";
import { buildDomains, type Domain } from "./domains.ts";
import type { Entity } from "./entity.ts";
import type { RunQueue } from "./run-queue.ts";
import type { Topology } from "./topology.ts";

/** Between two balances; CPUs that are busy take part in one of so many. */
export const BALANCE_PERIOD = 4_000_000;
const BUSY_FACTOR = 16;

export interface BalancedCpus {
  readonly queues: readonly RunQueue[];
  readonly topology: Topology;
  allows(entity: Entity, cpu: number): boolean;
  move(entity: Entity, from: RunQueue, to: RunQueue): void;
  /** Something has come. */
  changed(rq: RunQueue): void;
}

export class LoadBalancer {
  readonly #world: World;
  readonly #name: string;
  readonly #cpus: BalancedCpus;
  readonly #migration: Migration;
  /** A balance is posted. */
  isDue = false;
  domains: readonly (readonly Domain[])[] = [];

  /** `name` is that of the component that is told of the event `balance`. */
  constructor(world: World, name: string, cpus: BalancedCpus) {
    this.#world = world;
    this.#name = name;
    this.#cpus = cpus;
    this.#migration = {
      queues: cpus.queues,
      mayMove: (entity, to) =>
        cpus.allows(entity, to.number) && !isHeld(entity) && canRun(entity, to),
      move: (entity, from, to) => cpus.move(entity, from, to),
    };
    this.rebuild();
  }

  /** CPUs have come or gone. */
  rebuild(): void {
    const { topology, queues } = this.#cpus;
    this.domains = buildDomains(
      topology,
      queues.map(({ isOnline }) => isOnline),
    );
  }

  /** From the nearest on; true if there is something to run now. */
  pullFor(rq: RunQueue): boolean {
    const domains = this.domains[rq.number] ?? [];
    return domains.some((domain) => pullForIdle(this.#migration, domain, rq));
  }

  /** Somebody waits. */
  soon(): void {
    if (this.isDue || this.#cpus.queues.length === 1) return;
    this.isDue = true;
    const turn = Math.floor(this.#world.now / BALANCE_PERIOD) + 1;
    this.#world.post(turn * BALANCE_PERIOD, this.#name, "balance");
  }

  balance(): void {
    this.isDue = false;
    const turn = Math.floor(this.#world.now / BALANCE_PERIOD);
    for (const rq of this.#cpus.queues) {
      if (!rq.isOnline) continue;
      if (rq.isIdle) {
        if (this.pullFor(rq)) this.#cpus.changed(rq);
      } else if ((turn + rq.number) % BUSY_FACTOR === 0) this.#evenOut(rq);
    }
    if (this.#cpus.queues.some(({ waiters }) => waiters > 0)) this.soon();
  }

  #evenOut(rq: RunQueue): void {
    for (const domain of this.domains[rq.number] ?? [])
      if (evenOut(this.#migration, domain, rq)) this.#cpus.changed(rq);
  }
}

/** A group that it is in is throttled where it waits. */
function isHeld({ queue }: Entity): boolean {
  for (let at: typeof queue | null = queue; at !== null; at = at.owner?.queue ?? null)
    if (at.isThrottled) return true;
  return false;
}

/** No group that it is in is, or would be, throttled there. */
function canRun({ queue }: Entity, to: RunQueue): boolean {
  for (let at = queue.group.queues[to.number] ?? null; at !== null; at = at.owner?.queue ?? null)
    if (at.isThrottled || (at.isLimited && at.remaining <= 0 && at.group.pool.runtime <= 0))
      return false;
  return true;
}
