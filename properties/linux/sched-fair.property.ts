/** Laws of EEVDF: lag, and shares of time. */

import fc from "fast-check";
import { CfsRq, Entity } from "../../src/linux/sched/entity.ts";
import {
  account,
  averageVruntime,
  BASE_SLICE,
  delay,
  dequeue,
  enqueue,
  pick,
  putPrev,
  requeue,
  reweight,
  setNext,
} from "../../src/linux/sched/eevdf.ts";
import { TaskGroup } from "../../src/linux/sched/group.ts";
import { flatTopology } from "../../src/linux/sched/topology.ts";
import { niceWeight } from "../../src/linux/sched/weights.ts";
import { law } from "../support/law.ts";
import { ScheduledWorld } from "../support/scheduled-world.ts";

const MS = 1_000_000;
const THREADS = 8;
/** The clock of the kernel's ticks, by which lag is bounded, too. */
const TICK = 4 * MS;

type Step = "run" | "come" | "sleep" | "leave" | "reweight";

/** One queue, driven by hand. */
class OneQueue {
  readonly clock = { number: 0, clock: 0 };
  readonly queue = new CfsRq(this.clock, new TaskGroup(0, null, []));
  readonly entities = Array.from(
    { length: THREADS },
    (_, i) => new Entity({ id: 2 * i, thread: i, own: null, queue: this.queue, slice: BASE_SLICE }),
  );

  take(step: Step, choice: number, amount: number): void {
    const { queue } = this;
    const entity = this.entities[choice % THREADS] as Entity;
    account(queue);
    if (step === "run") this.#run(amount);
    else if (step === "reweight") reweight(queue, entity, niceWeight((amount % 40) - 20));
    else if (step === "come") {
      if (entity.isDelayed) requeue(queue, entity);
      else if (!entity.isQueued) enqueue(queue, entity, amount % 2 === 0);
    } else if (entity.isQueued && !entity.isDelayed) {
      if (step === "sleep" && delay(queue, entity)) return;
      dequeue(queue, entity, step === "sleep");
      if (queue.curr === entity) putPrev(queue, entity);
    }
  }

  #run(time: number): void {
    const { queue } = this;
    for (;;) {
      const next = pick(queue, true);
      if (next === null) return;
      if (next.isDelayed) {
        dequeue(queue, next, true);
        if (queue.curr === next) putPrev(queue, next);
        continue;
      }
      if (queue.curr !== next) {
        if (queue.curr !== null) putPrev(queue, queue.curr);
        setNext(queue, next);
      }
      this.clock.clock += Math.min(time, BASE_SLICE);
      account(queue);
      return;
    }
  }

  get queued(): readonly Entity[] {
    return this.entities.filter(({ isQueued }) => isQueued);
  }
}

law("lags-sum-to-zero", {
  says: "Whoever comes, runs, sleeps, leaves or changes its weight: the lags of all that are in a queue sum to zero but for what rounding takes, and none of them is beyond two slices.",
  cites: "Stoica and Abdel-Wahab, TR-95-22; Linux, Documentation/scheduler/sched-eevdf.rst",
  forAll: {
    steps: fc.array(
      fc.tuple(
        fc.constantFrom<Step>("run", "run", "run", "come", "come", "sleep", "leave", "reweight"),
        fc.nat(THREADS - 1),
        fc.integer({ min: 1, max: 5 * MS }),
      ),
      { minLength: 10, maxLength: 120 },
    ),
  },
  runs: 300,
  holds: ({ steps }) => {
    const one = new OneQueue();
    for (const [step, choice, amount] of steps) {
      one.take(step, choice, amount);
      const average = averageVruntime(one.queue);
      let sum = 0;
      let weight = 0;
      for (const entity of one.queued) {
        const lag = (average - entity.vruntime) * entity.weight;
        sum += lag;
        weight += entity.weight;
        const bound = (2 * BASE_SLICE + TICK) * 1024;
        if (Math.abs(lag) > bound) throw new Error(`a lag of ${lag / 1024} ns after ${step}`);
      }
      if (sum > 0 || (weight > 0 && sum <= -weight))
        throw new Error(`lags sum to ${sum} after ${step}`);
    }
  },
});

/** Groups of threads with weights, and threads beside them. */
const scene = {
  groups: fc.array(
    fc.record({
      weight: fc.integer({ min: 30, max: 2000 }),
      nices: fc.array(fc.integer({ min: -10, max: 8 }), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  nices: fc.array(fc.integer({ min: -10, max: 8 }), { maxLength: 3 }),
  from: fc.integer({ min: 0, max: 300 * MS }),
  length: fc.integer({ min: 1 * MS, max: 700 * MS }),
};

/** sched(7): each step of nice is about 1.25. */
function niceRatio(nice: number): number {
  let ratio = 1;
  for (let i = 0; i < Math.abs(nice); i += 1) ratio *= 1.25;
  return nice < 0 ? ratio : 1 / ratio;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

law("shares-are-proportional-to-weights", {
  says: "On one CPU, in every window in which all of them can run, groups and the threads in them get time in proportion to their weights, but for two slices at each level.",
  cites:
    "Stoica and Abdel-Wahab, TR-95-22; Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files; sched(7)",
  forAll: scene,
  runs: 60,
  holds: ({ groups, nices, from, length }) => {
    const all = [...groups.flatMap((group) => group.nices), ...nices];
    const works = all.map(() => ({ runs: MS, sleeps: 0 }));
    const seen = new ScheduledWorld({
      topology: flatTopology(1),
      works,
      sliceCycles: 10 * MS,
    });
    for (const [thread, nice] of all.entries())
      seen.scheduler.setAttributes(thread, { policy: "SCHED_OTHER", nice, slice: null });
    let thread = 0;
    const members = groups.map((group, i) => {
      const number = seen.group(`g${i}`, { "cpu.weight": `${group.weight}` });
      return group.nices.map(() => {
        seen.write(number, "cgroup.threads", `${thread}`);
        thread += 1;
        return thread - 1;
      });
    });
    seen.wakeAll();
    const to = from + length;
    seen.world.runUntil(to);
    const total = sumOf(groups.map(({ weight }) => weight / 100)) + sumOf(nices.map(niceRatio));
    for (const [i, { weight, nices: inside }] of groups.entries()) {
      const share = (length * weight) / 100 / total;
      check(seen.ran(members[i] ?? [], from, to), share, 1, length);
      const ratios = sumOf(inside.map(niceRatio));
      for (const [k, nice] of inside.entries())
        check(
          seen.ran([members[i]?.[k] ?? -1], from, to),
          (share * niceRatio(nice)) / ratios,
          2,
          length,
        );
    }
  },
});

/** Weights are whole numbers: a hundredth or two of a share is rounding. */
function check(ran: number, share: number, levels: number, length: number): void {
  const slack = 2 * BASE_SLICE * levels + 0.02 * share + 0.005 * length;
  if (Math.abs(ran - share) > slack) throw new Error(`${ran} ns instead of ${share}`);
}

law("nobody-runs-ahead-of-its-request", {
  says: "On one CPU, whatever requests threads make, none has run longer than its share by more than one of its own requests.",
  cites:
    "Stoica and Abdel-Wahab, TR-95-22; Linux, Documentation/scheduler/sched-eevdf.rst; sched_setattr(2)",
  forAll: {
    threads: fc.array(
      fc.record({
        nice: fc.integer({ min: -10, max: 8 }),
        slice: fc.integer({ min: 100_000, max: 60 * MS }),
      }),
      { minLength: 2, maxLength: 8 },
    ),
    at: fc.integer({ min: MS, max: 500 * MS }),
  },
  runs: 80,
  holds: ({ threads, at }) => {
    const works = threads.map(() => ({ runs: MS, sleeps: 0 }));
    const seen = new ScheduledWorld({
      topology: flatTopology(1),
      works,
      sliceCycles: 10 * MS,
    });
    for (const [thread, { nice, slice }] of threads.entries())
      seen.scheduler.setAttributes(thread, { policy: "SCHED_OTHER", nice, slice });
    seen.wakeAll();
    seen.world.runUntil(at);
    const total = sumOf(threads.map(({ nice }) => niceRatio(nice)));
    for (const [thread, { nice, slice }] of threads.entries()) {
      const share = (at * niceRatio(nice)) / total;
      const ran = seen.ran([thread], 0, at);
      if (ran > 1.03 * share + slice) throw new Error(`thread ${thread}: ${ran} ns, not ${share}`);
    }
  },
});

law("nobody-starves", {
  says: "A thread that can run does so before the others have had what their weights are to its own, and a slice each; SCHED_IDLE, too.",
  cites: "Stoica and Abdel-Wahab, TR-95-22; Linux, sched(7)",
  forAll: {
    nices: fc.array(fc.integer({ min: -10, max: 19 }), { minLength: 1, maxLength: 8 }),
    hasIdle: fc.boolean(),
  },
  runs: 40,
  holds: ({ nices, hasIdle }) => {
    const count = nices.length + 1;
    const works = Array.from({ length: count }, () => ({ runs: MS, sleeps: 0 }));
    const seen = new ScheduledWorld({
      topology: flatTopology(1),
      works,
      sliceCycles: 10 * MS,
    });
    for (const [thread, nice] of nices.entries())
      seen.scheduler.setAttributes(thread, { policy: "SCHED_OTHER", nice, slice: null });
    const policy = hasIdle ? "SCHED_IDLE" : "SCHED_OTHER";
    seen.scheduler.setAttributes(nices.length, { policy, nice: 0, slice: null });
    seen.wakeAll();
    // Where it is idle by policy it has 3 of 1024.
    const own = hasIdle ? 3 / 1024 : 1;
    const longest = (2 * BASE_SLICE * (own + sumOf(nices.map(niceRatio)))) / own + count * TICK;
    const end = Math.ceil(longest * 1.1);
    seen.world.runUntil(end);
    if (seen.ran([nices.length], 0, end) === 0) throw new Error(`nothing in ${end} ns`);
  },
});
