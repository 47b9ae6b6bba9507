/** Laws of cpu.max: how much a group gets at most, and at least. */

import fc from "fast-check";
import { flatTopology } from "../../src/linux/sched/topology.ts";
import { law } from "../support/law.ts";
import { ScheduledWorld } from "../support/scheduled-world.ts";
import { anyTopology, anyWork } from "../support/schedules.ts";

const MS = 1_000_000;
const SLICE = 50_000;
/** min_cfs_rq_runtime: what a CPU may keep. */
const KEPT = MS;
const END = 300 * MS;

const anyLimit = () =>
  fc
    .record({
      periodMs: fc.integer({ min: 5, max: 60 }),
      percent: fc.integer({ min: 20, max: 250 }),
    })
    .chain(({ periodMs, percent }) => {
      const quotaUs = Math.max(1000, periodMs * 10 * percent);
      return fc.record({
        periodUs: fc.constant(periodMs * 1000),
        quotaUs: fc.constant(quotaUs),
        burstUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: quotaUs })),
      });
    });

interface Limit {
  readonly periodUs: number;
  readonly quotaUs: number;
  readonly burstUs: number;
}

function limit(seen: ScheduledWorld, group: number, { periodUs, quotaUs, burstUs }: Limit): void {
  seen.write(group, "cpu.max.burst", "0");
  seen.write(group, "cpu.max", `${quotaUs} ${periodUs}`);
  seen.write(group, "cpu.max.burst", `${burstUs}`);
}

/** What a group may run in a window, with periods from `since` on. */
function most(
  { periodUs, quotaUs, burstUs }: Limit,
  since: number,
  from: number,
  to: number,
): number {
  const period = periodUs * 1000;
  const first = Math.floor((from - since) / period);
  const last = Math.ceil((to - since) / period);
  return (burstUs + quotaUs * (last - first)) * 1000;
}

const scene = {
  topology: anyTopology(),
  works: fc.array(anyWork(), { minLength: 2, maxLength: 16 }),
  above: anyLimit(),
  below: fc.tuple(anyLimit(), anyLimit()),
  windows: fc.array(fc.tuple(fc.nat(END), fc.nat(END)), { minLength: 20, maxLength: 20 }),
};

law("groups-stay-within-their-bandwidth", {
  says: "In every window, a group and all below it run no longer than the burst and a quota for each period that the window touches, but for the millisecond that each CPU may keep; also after limits were set anew while threads ran.",
  cites: "Linux, Documentation/scheduler/sched-bwc.rst",
  forAll: { ...scene, changeAt: fc.nat(100 * MS), later: anyLimit() },
  runs: 60,
  holds: ({ topology, works, above, below, windows, changeAt, later }) => {
    const seen = new ScheduledWorld({ topology, works, sliceCycles: SLICE });
    const parent = seen.group("above");
    const children = below.map((_, i) => seen.group(`below${i}`, {}, parent));
    limit(seen, parent, above);
    for (const [i, child] of children.entries()) limit(seen, child, below[i] as Limit);
    for (const thread of works.keys())
      seen.write(children[thread % 2] ?? 0, "cgroup.threads", `${thread}`);
    seen.wakeAll();
    seen.world.runUntil(changeAt);
    limit(seen, parent, later);
    const since = seen.world.now;
    seen.world.runUntil(since + END);
    const threads = [...works.keys()];
    const slack = topology.nodeOf.length * (KEPT + SLICE);
    const check = (who: readonly number[], bound: Limit, begun: number): void => {
      const period = bound.periodUs * 1000;
      for (const [a, b] of windows) {
        const [from, to] = [since + Math.min(a, b), since + Math.max(a, b)];
        // Whole periods, too: what is left of the one before shows there.
        const start = begun + Math.ceil((from - begun) / period) * period;
        for (const [first, last] of [
          [from, to],
          [start, start + period],
        ] as const) {
          const ran = seen.ran(who, first, last);
          const allowed = most(bound, begun, first, last) + slack;
          if (ran > allowed)
            throw new Error(`${ran} ns from ${first} to ${last} instead of ${allowed}`);
        }
      }
    };
    check(threads, later, since);
    for (const [i, bound] of below.entries())
      check(
        threads.filter((thread) => thread % 2 === i),
        bound,
        0,
      );
  },
});

law("groups-get-their-bandwidth", {
  says: "A group alone on a host whose threads would use more runs for its quota in every period, but for a slice that each CPU may hold, and says how long it ran.",
  cites: "Linux, Documentation/scheduler/sched-bwc.rst",
  forAll: {
    topology: anyTopology(),
    threads: fc.integer({ min: 1, max: 16 }),
    bound: anyLimit(),
    periods: fc.integer({ min: 2, max: 12 }),
  },
  runs: 60,
  holds: ({ topology, threads, bound, periods }) => {
    const works = Array.from({ length: threads }, () => ({ runs: MS, sleeps: 0 }));
    const seen = new ScheduledWorld({ topology, works, sliceCycles: SLICE });
    const group = seen.group("limited");
    limit(seen, group, { ...bound, burstUs: 0 });
    seen.write(group, "cgroup.procs", "1");
    seen.wakeAll();
    const period = bound.periodUs * 1000;
    seen.world.runUntil(periods * period);
    const cpus = topology.nodeOf.length;
    const ran = seen.ran([...works.keys()], 0, seen.world.now);
    const least = Math.min(bound.quotaUs * 1000, Math.min(cpus, threads) * period);
    // What CPUs hold at the end of a period is lost but for a millisecond each.
    const lost = (cpus - 1) * (5 * MS + SLICE) + SLICE;
    if (ran < periods * Math.max(0, least - lost))
      throw new Error(`${ran} ns of ${periods * least}`);
    const stat = seen.cgroups.read(group, "cpu.stat");
    const text = typeof stat === "string" ? stat : stat.text;
    const told = Number(/^usage_usec (\d+)$/m.exec(text)?.[1]);
    if (Math.abs(told * 1000 - ran) > cpus * SLICE + 1000)
      throw new Error(`${ran} ns, but ${text}`);
  },
});

law("what-a-thread-did-not-run-is-its-delay", {
  says: "On one CPU, what a thread that always could run has run and what it is said to have waited, throttled or not, are all of the time up to where it last ran.",
  cites:
    "Linux, Documentation/scheduler/sched-stats.rst; Documentation/virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME",
  forAll: {
    threads: fc.integer({ min: 1, max: 6 }),
    bound: anyLimit(),
    end: fc.integer({ min: MS, max: END }),
  },
  runs: 40,
  holds: ({ threads, bound, end }) => {
    const works = Array.from({ length: threads }, () => ({ runs: MS, sleeps: 0 }));
    const seen = new ScheduledWorld({ topology: flatTopology(1), works });
    const group = seen.group("limited");
    limit(seen, group, bound);
    for (const thread of works.keys())
      if (thread % 2 === 0) seen.write(group, "cgroup.threads", `${thread}`);
    seen.wakeAll();
    seen.world.runUntil(end);
    for (const thread of works.keys()) {
      const last = seen.stretches.findLast((stretch) => stretch.thread === thread);
      if (last === undefined) continue;
      const ran = seen.ran([thread], 0, last.to);
      const delay = seen.scheduler.runDelay(thread);
      if (ran + delay !== last.to) throw new Error(`${ran} + ${delay} is not ${last.to}`);
    }
  },
});
