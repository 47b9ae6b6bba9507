/** What a benchmark yields, and the arithmetic of repeated measurements. */

import { performance } from "node:perf_hooks";

export interface Bar {
  readonly relation: "at least" | "below";
  readonly value: number;
}

/** One measured thing: the median of its samples, and the least and the greatest of them. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  readonly samples: number;
  readonly bar: Bar | null;
}

/** Measured in one go, since parts share what is costly to set up. */
export interface Measurement {
  readonly what: string;
  /** `seconds` is how long the measuring may take, set-up not counted. */
  measure(seconds: number): readonly Figure[];
}

export interface Benchmark {
  readonly name: string;
  readonly says: string;
  readonly measurements: readonly Measurement[];
}

export function figure(
  what: string,
  unit: string,
  samples: readonly number[],
  bar: Bar | null = null,
): Figure {
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    what,
    unit,
    median: quantile(sorted, 0.5),
    least: quantile(sorted, 0),
    greatest: quantile(sorted, 1),
    samples: samples.length,
    bar,
  };
}

/** The median and the 95th percentile as two figures; a bar is for the median. */
export function latencies(
  what: string,
  milliseconds: readonly number[],
  bar: Bar | null = null,
): readonly Figure[] {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const most = quantile(sorted, 0.95);
  return [
    figure(`${what}: median`, "ms", milliseconds, bar),
    figure(`${what}: 95 of 100`, "ms", [most]),
  ];
}

/** The smallest value that a share of the sorted samples does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  const at = Math.max(0, Math.ceil(share * sorted.length) - 1);
  return sorted[at] ?? Number.NaN;
}

export function isMet({ median, bar }: Figure): boolean | null {
  if (bar === null) return null;
  return bar.relation === "at least" ? median >= bar.value : median < bar.value;
}

export function millisecondsOf(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}
