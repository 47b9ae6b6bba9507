/**
 * What a group may run in a period, handed to CPUs in slices: Linux, Documentation/scheduler/sched-bwc.rst;
 * kernel/sched/sched.h, struct cfs_bandwidth. Deviation: what a CPU holds at the end of a period is taken back but for
 * 1 ms, also where threads run, so that the bound which the document gives holds for every window.
 */

import type { CfsRq } from "./entity.ts";

/** sysctl_sched_cfs_bandwidth_slice. */
const SLICE = 5_000_000;
/** min_cfs_rq_runtime. */
const KEPT = 1_000_000;
const NS_PER_US = 1000;

export interface Limits {
  readonly quotaUs: number | null;
  readonly periodUs: number;
  readonly burstUs: number;
}

/** Plain state of a group's bandwidth; times in nanoseconds. */
export interface Pool {
  /** Infinite for none. */
  quota: number;
  period: number;
  burst: number;
  runtime: number;
  /** Of `runtime`, when the period began. */
  atStart: number;
  /** The end of the period, while it is waited for. */
  isActive: boolean;
  end: number;
  /** Nothing was asked for in this period. */
  isIdle: boolean;
  /** When the last period began. */
  begun: number;
  hasSlackTimer: boolean;
  periods: number;
  throttled: number;
  throttledTime: number;
  bursts: number;
  burstTime: number;
}

export const newPool = (): Pool => ({
  quota: Infinity,
  period: 100_000_000,
  burst: 0,
  runtime: 0,
  atStart: 0,
  isActive: false,
  end: 0,
  isIdle: false,
  begun: 0,
  hasSlackTimer: false,
  periods: 0,
  throttled: 0,
  throttledTime: 0,
  bursts: 0,
  burstTime: 0,
});

/** tg_set_cfs_bandwidth: a period begins now. */
export function setLimits(pool: Pool, { quotaUs, periodUs, burstUs }: Limits, now: number): void {
  pool.quota = quotaUs === null ? Infinity : quotaUs * NS_PER_US;
  pool.period = periodUs * NS_PER_US;
  pool.burst = burstUs * NS_PER_US;
  pool.runtime = quotaUs === null ? 0 : pool.quota;
  pool.atStart = pool.runtime;
  pool.begun = now;
  pool.isActive = false;
}

/** The end of the period that `now` is in: periods follow each other also while nobody waits for them. */
export function endOfPeriod(pool: Pool, now: number): number {
  const passed = Math.floor((now - pool.begun) / pool.period);
  return pool.begun + (passed + 1) * pool.period;
}

/** __assign_cfs_rq_runtime: true if the queue may run. */
export function hand(pool: Pool, queue: CfsRq): boolean {
  const wanted = SLICE - queue.remaining;
  const given = Math.max(0, Math.min(wanted, pool.runtime));
  pool.runtime -= given;
  pool.isIdle = false;
  queue.remaining += given;
  return queue.remaining > 0;
}

/** __return_cfs_rq_runtime, of a queue where nothing is left to run; true if there is enough for others. */
export function giveBack(pool: Pool, queue: CfsRq): boolean {
  const slack = queue.remaining - KEPT;
  if (slack <= 0) return false;
  queue.remaining -= slack;
  pool.runtime += slack;
  return pool.runtime >= SLICE;
}

/** __refill_cfs_bandwidth_runtime, at the end of a period. */
export function refill(pool: Pool, queues: readonly CfsRq[], now: number): void {
  for (const queue of queues) giveBack(pool, queue);
  pool.periods += 1;
  pool.begun = now;
  const over = pool.atStart - pool.runtime - pool.quota;
  if (over > 0) {
    pool.bursts += 1;
    pool.burstTime += over;
  }
  pool.runtime = Math.min(pool.runtime + pool.quota, pool.quota + pool.burst);
  pool.atStart = pool.runtime;
}
