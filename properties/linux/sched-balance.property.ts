/** Laws of scheduling on several CPUs. */

import fc from "fast-check";
import { BALANCE_PERIOD } from "../../src/linux/sched/load-balancer.ts";
import { law } from "../support/law.ts";
import { ScheduledWorld } from "../support/scheduled-world.ts";
import {
  anyTopology,
  anyWork,
  checkOverlaps,
  eightNodes,
  idle,
  type Interval,
  longestWaste,
  waits,
} from "../support/schedules.ts";

const MS = 1_000_000;
/** Clocks of CPUs are within a slice of each other. */
const SLICE = 50_000;
const END = 200 * MS;

const cpuList = (cpus: readonly number[]): string => cpus.join(",");

/** What is done to a host while its threads run. */
type Change =
  | { readonly is: "offline"; readonly cpu: number }
  | { readonly is: "affinity"; readonly thread: number; readonly cpus: readonly number[] }
  | { readonly is: "cpuset"; readonly cpus: readonly number[] };

const anyCpus = (): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.nat(15), { minLength: 1, maxLength: 4 });
const anyChange = (): fc.Arbitrary<Change> =>
  fc.oneof(
    fc.record({ is: fc.constant("offline" as const), cpu: fc.nat(15) }),
    fc.record({ is: fc.constant("affinity" as const), thread: fc.nat(30), cpus: anyCpus() }),
    fc.record({ is: fc.constant("cpuset" as const), cpus: anyCpus() }),
  );

const scene = {
  topology: anyTopology(),
  works: fc.array(fc.record({ work: anyWork(), nice: fc.constantFrom(-20, 0, 0, 19) }), {
    minLength: 1,
    maxLength: 30,
  }),
  changes: fc.array(anyChange(), { maxLength: 4 }),
};

interface Drawn {
  readonly topology: Parameters<typeof makeWorld>[0]["topology"];
  readonly works: readonly { readonly work: { runs: number; sleeps: number }; nice: number }[];
  readonly changes: readonly Change[];
}

function makeWorld({
  topology,
  works,
}: {
  topology: ConstructorParameters<typeof ScheduledWorld>[0]["topology"];
  works: Drawn["works"];
}): ScheduledWorld {
  const seen = new ScheduledWorld({
    topology,
    works: works.map(({ work }) => work),
    sliceCycles: SLICE,
  });
  for (const [thread, { nice }] of works.entries())
    seen.scheduler.setAttributes(thread, { policy: "SCHED_OTHER", nice, slice: null });
  return seen;
}

/** Changes, then a while in which nothing else changes: CPUs allowed to each thread from then on. */
function settle(seen: ScheduledWorld, { topology, works, changes }: Drawn): number[][] {
  const count = topology.nodeOf.length;
  const group = seen.group("half");
  const affinity = works.map(() => [...topology.nodeOf.keys()]);
  let cpuset = [...topology.nodeOf.keys()];
  for (const thread of works.keys())
    if (thread % 2 === 1) seen.write(group, "cgroup.threads", `${thread}`);
  seen.wakeAll();
  for (const change of changes) {
    seen.world.runUntil(seen.world.now + 7 * MS);
    if (change.is === "offline") {
      seen.scheduler.setOnline(change.cpu % count, false);
      seen.world.runUntil(seen.world.now + 7 * MS);
      seen.scheduler.setOnline(change.cpu % count, true);
    } else {
      const cpus = [...new Set(change.cpus.map((cpu) => cpu % count))];
      if (change.is === "cpuset") {
        cpuset = cpus;
        seen.write(group, "cpuset.cpus", cpuList(cpus));
      } else {
        const thread = change.thread % works.length;
        if (seen.scheduler.setAffinity(thread, cpus) === null) affinity[thread] = cpus;
      }
    }
  }
  return affinity.map((cpus, thread) => {
    const both = thread % 2 === 1 ? cpuset.filter((cpu) => cpus.includes(cpu)) : cpus;
    return both.length > 0 ? both : cpuset;
  });
}

const later = (intervals: readonly Interval[], from: number): readonly Interval[] =>
  intervals
    .filter(({ to }) => to > from)
    .map((interval) => ({ from: Math.max(from, interval.from), to: interval.to }));

/** CPUs that are allowed, by thread; what came before `from` does not count. */
function checkWaste(
  seen: ScheduledWorld,
  allowed: readonly (readonly number[])[],
  from: number,
): void {
  const end = seen.world.now;
  const idles = new Map<number, ReturnType<typeof idle>>();
  for (const [thread, cpus] of allowed.entries()) {
    for (const cpu of cpus) if (!idles.has(cpu)) idles.set(cpu, later(idle(seen, cpu, end), from));
    const waste = longestWaste(
      later(waits(seen, thread, end), from),
      cpus.map((cpu) => idles.get(cpu) ?? []),
    );
    if (waste > BALANCE_PERIOD + 2 * SLICE)
      throw new Error(`thread ${thread} waited ${waste} ns beside an idle CPU`);
  }
}

law("no-cpu-is-idle-while-a-thread-waits", {
  says: "Whatever the topology, the nice values, affinities and cpusets, and also after CPUs were off, no CPU is idle for longer than a balance period while a thread that may run there waits.",
  cites:
    "Lozi et al., The Linux Scheduler: a Decade of Wasted Cores (EuroSys 2016); Linux, Documentation/scheduler/sched-domains.rst",
  forAll: scene,
  runs: 60,
  holds: (given) => {
    const seen = makeWorld(given);
    const allowed = settle(seen, given);
    const from = seen.world.now;
    seen.world.runUntil(from + END);
    checkWaste(seen, allowed, from);
  },
});

law("threads-spread-from-where-they-were", {
  says: "Threads that may leave the node where they were crowded do not wait for longer than a balance period while a CPU is idle where they may go, also between nodes that are two hops apart, beside threads of great weight, and after a CPU was off.",
  cites:
    "Lozi et al., The Linux Scheduler: a Decade of Wasted Cores (EuroSys 2016); Linux, Documentation/scheduler/sched-domains.rst",
  forAll: {
    coresPerNode: fc.integer({ min: 1, max: 3 }),
    crowds: fc.array(
      fc.record({
        from: fc.nat(7),
        to: fc.oneof(
          fc.uniqueArray(fc.nat(7), { minLength: 1, maxLength: 3 }),
          fc.constant([0, 1, 2, 3, 4, 5, 6, 7]),
        ),
        nice: fc.constantFrom(-20, 0, 19),
        threads: fc.integer({ min: 1, max: 8 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    offline: fc.option(fc.nat(23)),
  },
  runs: 80,
  holds: ({ coresPerNode, crowds, offline }) => {
    const topology = eightNodes(coresPerNode);
    const cpusOf = (nodes: readonly number[]): number[] =>
      [...topology.nodeOf.keys()].filter((cpu) => nodes.includes(topology.nodeOf[cpu] ?? -1));
    const threads = crowds.flatMap((crowd) => Array.from({ length: crowd.threads }, () => crowd));
    const works = threads.map(({ nice }) => ({ work: { runs: MS, sleeps: 0 }, nice }));
    const seen = makeWorld({ topology, works });
    for (const [thread, { from }] of threads.entries())
      seen.scheduler.setAffinity(thread, cpusOf([from]));
    seen.wakeAll();
    seen.world.runUntil(20 * MS);
    if (offline !== null) {
      seen.scheduler.setOnline(offline % topology.nodeOf.length, false);
      seen.world.runUntil(30 * MS);
      seen.scheduler.setOnline(offline % topology.nodeOf.length, true);
    }
    const allowed = threads.map(({ from, to }) => cpusOf([from, ...to]));
    for (const [thread, cpus] of allowed.entries()) seen.scheduler.setAffinity(thread, cpus);
    seen.world.runUntil(80 * MS);
    checkWaste(seen, allowed, 30 * MS);
  },
});

law("a-scheduler-goes-on-from-its-snapshot", {
  says: "Taken back to a snapshot, with groups that have limits and threads in any state, a scheduler goes on as it did.",
  cites: "DESIGN, State is data",
  forAll: { ...scene, at: fc.nat(20 * MS), quotaUs: fc.integer({ min: 1000, max: 20_000 }) },
  runs: 40,
  holds: ({ at, quotaUs, ...given }) => {
    const seen = makeWorld(given);
    const outer = seen.group("outer", { "cpu.max": `${quotaUs} 10000`, "cpu.weight": "300" });
    const inner = seen.group("inner", { "cpu.idle": "1" }, outer);
    for (const thread of given.works.keys())
      if (thread % 3 === 0)
        seen.write([outer, inner][thread % 2] ?? 0, "cgroup.threads", `${thread}`);
    settle(seen, given);
    seen.world.runUntil(seen.world.now + at);
    const snapshot = seen.world.snapshot();
    const goOn = (): string => {
      const from = seen.world.now;
      seen.group("more", { "cpu.max": "5000 20000" });
      seen.world.runUntil(from + 20 * MS);
      return seen.world.digest();
    };
    const first = goOn();
    seen.world.restore(snapshot);
    return goOn() === first;
  },
});

law("who-wakes-takes-an-idle-cpu", {
  says: "A thread that wakes while a CPU that it may run on has been idle does not wait.",
  cites:
    "Lozi et al., The Linux Scheduler: a Decade of Wasted Cores (EuroSys 2016), The Overload-on-Wakeup bug",
  forAll: scene,
  runs: 40,
  holds: (given) => {
    const seen = makeWorld(given);
    const allowed = settle(seen, given);
    const from = seen.world.now;
    seen.world.runUntil(from + END);
    const end = seen.world.now;
    const idles = given.topology.nodeOf.map((_, cpu) => idle(seen, cpu, end));
    for (const [thread, wakings] of seen.wakings.entries())
      for (const at of wakings) {
        if (at < from || at > end - MS) continue;
        const isIdle = (cpu: number): boolean =>
          (idles[cpu] ?? []).some((gap) => gap.from < at - 2 * SLICE && gap.to > at + 2 * SLICE);
        if (!(allowed[thread] ?? []).some(isIdle)) continue;
        const start = seen.stretches.find((one) => one.thread === thread && one.to > at);
        if (start === undefined || start.from > at + 2 * SLICE)
          throw new Error(`thread ${thread}, woken at ${at}, waited`);
      }
  },
});

law("threads-stay-on-their-cpus", {
  says: "A thread runs on one CPU at a time, and only where its affinity and its cpuset allow it; a CPU runs one thread at a time.",
  cites:
    "Linux, sched_setaffinity(2); Documentation/admin-guide/cgroup-v2.rst, Cpuset Interface Files",
  forAll: scene,
  runs: 60,
  holds: (given) => {
    const seen = makeWorld(given);
    const allowed = settle(seen, given);
    const from = seen.world.now + SLICE;
    seen.world.runUntil(from + 60 * MS);
    for (const stretch of seen.stretches)
      if (stretch.from > from && !(allowed[stretch.thread] ?? []).includes(stretch.cpu))
        throw new Error(`thread ${stretch.thread} ran on CPU ${stretch.cpu}`);
    for (const key of ["thread", "cpu"] as const) checkOverlaps(seen, key);
  },
});
