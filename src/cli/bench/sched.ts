/** How many scheduling decisions a second one core makes, and how that depends on how many threads can run. */

import { performance } from "node:perf_hooks";
import { ScheduledThreads } from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const ROUNDS = 7;
const COUNTS = [10, 100, 1000, 10_000];
const BAR = { relation: "at least", value: 1_000_000 } as const;
/** The logarithm of 10,000 is four times that of 10. */
const GROWTH_BAR = { relation: "below", value: 4 } as const;
const STEP = 300_000_000;

/** Decisions a second, by round. */
function ratesOf(threads: number, seconds: number): readonly number[] {
  const scheduled = new ScheduledThreads(threads);
  const rates: number[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = scheduled.decisions;
    const started = performance.now();
    do scheduled.runFor(STEP);
    while (performance.now() - started < (seconds * 1000) / ROUNDS);
    const made = scheduled.decisions - before;
    if (round > 0) rates.push((made * 1000) / (performance.now() - started));
  }
  scheduled.release();
  return rates;
}

const decisions = (threads: number): Measurement => ({
  what: `${threads} threads that can run`,
  measure: (seconds) => [
    figure(
      `decisions: ${threads} threads that can run`,
      "a second",
      ratesOf(threads, seconds),
      threads === COUNTS[0] ? BAR : null,
    ),
  ],
});

const growth: Measurement = {
  what: "growth of the cost",
  measure(seconds) {
    const few = ratesOf(10, seconds / 2);
    const many = ratesOf(10_000, seconds / 2);
    const ratios = few.map((rate, i) => rate / (many[i] ?? Number.NaN));
    return [
      figure("cost of a decision: 10,000 threads that can run, of 10", "times", ratios, GROWTH_BAR),
    ];
  },
};

export const scheduling: readonly Measurement[] = [...COUNTS.map(decisions), growth];
