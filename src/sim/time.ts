/**
 * Virtual time. The unit is the cycle of a nominal 1 GHz clock, so one cycle is one nanosecond.
 * Times are non-negative safe integers: 2^53 cycles are 104 days.
 */

import { assert } from "./assert.ts";

/** A moment, or a length of time, in cycles. */
export type Cycles = number;

export const CYCLES_PER_SECOND: Cycles = 1_000_000_000;

/** Later than every moment of a run. */
export const NEVER: Cycles = Number.POSITIVE_INFINITY;

export function assertCycles(time: Cycles, what: string): void {
  assert(Number.isSafeInteger(time) && time >= 0, `${what} is a time in whole cycles`);
}

/** Seconds with nine decimals, as `12.000000345 s`. */
export function formatTime(time: Cycles): string {
  if (time === NEVER) return "never";
  const seconds = Math.floor(time / CYCLES_PER_SECOND);
  const rest = time - seconds * CYCLES_PER_SECOND;
  return `${seconds}.${String(rest).padStart(9, "0")} s`;
}
