/**
 * A chip's clock, of the frequency that its data sheet names, as a rational number of ticks a cycle, counted from
 * time 0: no tick drifts, however long a run is.
 */

import type { Cycles } from "../../sim/time.ts";

export interface TickClock {
  /** Ticks at `now` or before, but for the one at time 0. */
  ticks(now: Cycles): number;
  /** The first cycle at which that many ticks have passed. */
  time(ticks: number): Cycles;
}

/** `ticks` ticks in `cycles` cycles; their product must be a safe integer. */
export function tickClock(ticks: number, cycles: Cycles): TickClock {
  return {
    ticks: (now) => {
      const rest = now % cycles;
      return ((now - rest) / cycles) * ticks + Math.floor((rest * ticks) / cycles);
    },
    time: (count) => {
      const rest = count % ticks;
      return ((count - rest) / ticks) * cycles + Math.ceil((rest * cycles) / ticks);
    },
  };
}

/** The power management timer's 3579545 Hz: 715909 ticks in a fifth of a second. */
export const PM_TIMER_CLOCK = tickClock(715_909, 200_000_000);
