/** Laws of scheduling on CPUs whose clocks are apart. */

import fc from "fast-check";
import { law } from "../support/law.ts";
import { ScheduledWorld } from "../support/scheduled-world.ts";
import { anyTopology, checkOverlaps } from "../support/schedules.ts";
import { anySchedule } from "../support/worlds.ts";

const US = 1000;
const MS = 1_000_000;
const CPUS = 16;

law("a-thread-is-in-one-place-at-a-time", {
  says: "Whichever CPUs run ahead of others, and whoever wakes whom, the stretches in which a thread runs never overlap in time, and none of them lies before it was woken, or while it sleeps; nor does a CPU run two threads at once.",
  cites: "Linux, sched(7); DESIGN, Time, order, randomness",
  forAll: {
    topology: anyTopology(),
    works: fc.array(
      fc.record({
        runs: fc.integer({ min: 20 * US, max: 5 * MS }),
        sleeps: fc.oneof(fc.constant(0), fc.integer({ min: 20 * US, max: 5 * MS })),
        wakes: fc.integer({ min: 1, max: 23 }),
      }),
      { minLength: 2, maxLength: 24 },
    ),
    affinities: fc.array(
      fc.tuple(fc.nat(23), fc.uniqueArray(fc.nat(CPUS - 1), { minLength: 1, maxLength: 3 })),
      { maxLength: 8 },
    ),
    sliceCycles: fc.integer({ min: 10 * US, max: 3 * MS }),
    schedule: fc.option(anySchedule(CPUS, 5 * MS), { nil: undefined }),
  },
  runs: 60,
  holds: ({ topology, works, affinities, sliceCycles, schedule }) => {
    const count = topology.nodeOf.length;
    const seen = new ScheduledWorld({
      topology,
      works: works.map((work, thread) => ({
        ...work,
        // Another one.
        wakes: (thread + 1 + (work.wakes % (works.length - 1))) % works.length,
      })),
      sliceCycles,
      ...(schedule === undefined ? {} : { schedule }),
    });
    seen.wakeAll();
    for (const [thread, cpus] of affinities) {
      seen.world.runUntil(seen.world.now + 3 * MS);
      const wanted = [...new Set(cpus.map((cpu) => cpu % count))];
      seen.scheduler.setAffinity(thread % works.length, wanted);
    }
    seen.world.runUntil(seen.world.now + 40 * MS);
    for (const key of ["thread", "cpu"] as const) checkOverlaps(seen, key);
    for (const thread of works.keys()) checkSleeps(seen, thread);
  },
});

function checkSleeps({ stretches, wakings, sleeps }: ScheduledWorld, thread: number): void {
  const ran = stretches.filter((stretch) => stretch.thread === thread);
  const ends = wakings[thread] ?? [];
  for (const [i, begin] of [0, ...(sleeps[thread] ?? [])].entries()) {
    const end = ends[i] ?? Infinity;
    const early = ran.find(({ from, to }) => begin < end && from < end && to > begin);
    if (early !== undefined)
      throw new Error(`thread ${thread} ran from ${early.from}, asleep until ${end}`);
  }
}
