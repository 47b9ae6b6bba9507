/** Topologies and threads to draw, and who waited while a CPU was idle. */

import fc from "fast-check";
import { flatTopology, makeTopology, type Topology } from "../../src/linux/sched/topology.ts";
import type { ScheduledWorld, Work } from "./scheduled-world.ts";

/** Of a machine with four AMD Opteron 6272: two nodes in each socket, up to two hops. */
export const OPTERON = [
  [10, 16, 16, 22, 16, 22, 16, 22],
  [16, 10, 22, 16, 16, 22, 22, 16],
  [16, 22, 10, 16, 16, 16, 16, 16],
  [22, 16, 16, 10, 16, 16, 22, 22],
  [16, 16, 16, 16, 10, 16, 16, 22],
  [22, 22, 16, 16, 16, 10, 22, 16],
  [16, 22, 16, 22, 16, 22, 10, 16],
  [22, 16, 16, 22, 22, 16, 16, 10],
];
const TWO_NODES = [
  [10, 20],
  [20, 10],
];

export const eightNodes = (coresPerNode: number): Topology =>
  makeTopology(OPTERON, { coresPerNode, threadsPerCore: 1 });

export const anyTopology = (): fc.Arbitrary<Topology> =>
  fc.oneof(
    fc.integer({ min: 1, max: 4 }).map(flatTopology),
    fc.constant(makeTopology(TWO_NODES, { coresPerNode: 2, threadsPerCore: 2 })),
    fc.integer({ min: 1, max: 2 }).map(eightNodes),
  );

const US = 1000;
const MS = 1_000_000;

/** Computes and sleeps, or only computes. */
export const anyWork = (): fc.Arbitrary<Work> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant({ runs: MS, sleeps: 0 }) },
    {
      weight: 2,
      arbitrary: fc.record({
        runs: fc.integer({ min: 20 * US, max: 20 * MS }),
        sleeps: fc.integer({ min: 20 * US, max: 20 * MS }),
      }),
    },
  );

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** From each waking to the next stretch, and from each stretch that a thread did not end itself to the next. */
export function waits(seen: ScheduledWorld, thread: number, end: number): readonly Interval[] {
  const ran = seen.stretches.filter((stretch) => stretch.thread === thread);
  const woken = seen.wakings[thread] ?? [];
  const found: Interval[] = [];
  for (const [i, { to }] of ran.entries()) {
    const next = ran[i + 1]?.from ?? end;
    const waking = woken.find((time) => time >= to && time <= next);
    if (waking !== undefined) found.push({ from: waking, to: next });
    else if (ran[i + 1] !== undefined || !seen.isAsleep(thread)) found.push({ from: to, to: next });
  }
  const [first = end] = woken;
  found.push({ from: first, to: ran[0]?.from ?? end });
  return found.filter(({ from, to }) => to > from);
}

/** When a CPU ran nobody. */
export function idle(seen: ScheduledWorld, cpu: number, end: number): readonly Interval[] {
  const found: Interval[] = [];
  let from = 0;
  const ran = seen.stretches.filter((stretch) => stretch.cpu === cpu);
  for (const stretch of ran.toSorted((a, b) => a.from - b.from)) {
    if (stretch.from > from) found.push({ from, to: stretch.from });
    from = Math.max(from, stretch.to);
  }
  if (end > from) found.push({ from, to: end });
  return found;
}

/** The longest that a thread waited while one of the CPUs was idle. */
export function longestWaste(
  waiting: readonly Interval[],
  idles: readonly (readonly Interval[])[],
): number {
  let longest = 0;
  for (const wait of waiting)
    for (const interval of idles.flat())
      longest = Math.max(
        longest,
        Math.min(wait.to, interval.to) - Math.max(wait.from, interval.from),
      );
  return longest;
}

/** Stretches of a thread, or of a CPU, lie behind each other. */
export function checkOverlaps({ stretches }: ScheduledWorld, key: "thread" | "cpu"): void {
  const ends = new Map<number, number>();
  for (const { [key]: who, from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    if (from < (ends.get(who) ?? 0)) throw new Error(`${key} ${who} twice at ${from}`);
    ends.set(who, to);
  }
}
