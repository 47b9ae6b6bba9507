/**
 * The CPU that a thread wakes on: Linux, kernel/sched/fair.c, select_task_rq_fair, wake_affine, select_idle_sibling.
 * Deviation: where the domain of the target has no idle CPU, the larger ones are searched, too: Lozi et al., "The Linux
 * Scheduler: a Decade of Wasted Cores" (EuroSys 2016), The Overload-on-Wakeup bug.
 */

import type { Domain } from "./domains.ts";
import type { RunQueue } from "./run-queue.ts";

export interface Places {
  readonly queues: readonly RunQueue[];
  readonly domains: readonly (readonly Domain[])[];
  readonly coreOf: readonly number[];
}

export interface Sleeper {
  readonly isNew: boolean;
  /** Where it ran last. */
  readonly previous: number;
  readonly allows: (cpu: number) => boolean;
}

/** `waker` is the CPU that it is woken by, or -1. */
export function selectCpu(places: Places, sleeper: Sleeper, waker: number): number {
  const { queues } = places;
  const { previous } = sleeper;
  const allowsPrevious = sleeper.allows(previous);
  if (allowsPrevious && !sleeper.isNew && queues[previous]?.isIdle === true) return previous;
  const target = targetOf(places, sleeper, waker);
  const nearby = [[target], ...(places.domains[target] ?? []).map(({ span }) => span)];
  for (const span of nearby) {
    const idle = idleIn(places, span, target, sleeper);
    if (idle >= 0) return idle;
  }
  if (allowsPrevious && !sleeper.isNew) return target;
  const allowed = [...queues.keys()].filter((cpu) => sleeper.allows(cpu));
  return leastOf(allowed, (cpu) => queues[cpu]?.runnable ?? 0) ?? target;
}

/** wake_affine: about where it is looked for. */
function targetOf({ queues }: Places, { previous, allows }: Sleeper, waker: number): number {
  if (waker < 0 || waker === previous || !allows(waker)) return previous;
  if (!allows(previous)) return waker;
  const load = (cpu: number): number => queues[cpu]?.root.load ?? 0;
  return load(waker) < load(previous) ? waker : previous;
}

/** A CPU whose whole core is idle, else any that is, else one that runs what is idle by policy; or -1. */
function idleIn(
  { queues, coreOf }: Places,
  span: readonly number[],
  from: number,
  { allows }: Sleeper,
): number {
  const isIdle = (cpu: number): boolean => queues[cpu]?.isIdle === true;
  const at = Math.max(0, span.indexOf(from));
  const order = [...span.slice(at), ...span.slice(0, at)].filter(allows);
  const isCoreIdle = (cpu: number): boolean =>
    span.every((other) => coreOf[other] !== coreOf[cpu] || isIdle(other));
  return (
    order.find((cpu) => isIdle(cpu) && isCoreIdle(cpu)) ??
    order.find(isIdle) ??
    order.find((cpu) => runsIdlePolicy(queues[cpu])) ??
    -1
  );
}

/** sched_idle_cpu. */
function runsIdlePolicy(rq: RunQueue | undefined): boolean {
  if (rq === undefined || rq.runnable !== 1) return false;
  for (let at = rq.curr; at !== null; at = at.queue.owner) if (at.isIdle) return true;
  return false;
}

function leastOf(cpus: readonly number[], value: (cpu: number) => number): number | undefined {
  let best: number | undefined;
  for (const cpu of cpus) if (best === undefined || value(cpu) < value(best)) best = cpu;
  return best;
}
