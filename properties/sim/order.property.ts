/** Laws of order: events, runners and faults happen in one order that time never contradicts. */

import fc from "fast-check";
import { EventQueue } from "../../src/sim/event-queue.ts";
import { NEVER } from "../../src/sim/time.ts";
import type { RingState } from "../../src/sim/toy/tokens.ts";
import type { TraceEvent } from "../../src/sim/trace.ts";
import { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { anyQueueCommand, obey, PlainQueue } from "../support/plain-queue.ts";
import {
  anyPostersConfig,
  latenessOf,
  LONGEST_OPERATION,
  posters,
} from "../support/posters-world.ts";
import {
  anyInputs,
  anySchedule,
  anyTokensConfig,
  anyTokensSetup,
  createTokens,
  HORIZON,
  pool,
  runWithInputs,
  using,
} from "../support/worlds.ts";

law("events-are-totally-ordered", {
  says: "The queue gives events by time and, at one time, in the order of posting; moving one is posting it anew, and a cancelled one never comes; going back brings all of it back.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { commands: fc.array(anyQueueCommand(), { maxLength: 80, size: "max" }) },
  runs: 300,
  holds: ({ commands }) =>
    obey(new EventQueue(), commands).join("\n") === obey(new PlainQueue(), commands).join("\n"),
});

law("dispatch-follows-time", {
  says: "Events are dispatched in the order of time, then of sequence, whatever CPUs, inputs and faults do.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs() },
  holds: ({ setup, inputs }) => {
    const dispatched = eventsOf(setup, inputs).filter(({ type }) => type.name === "world.dispatch");
    return dispatched.every((event, i) => {
      const before = dispatched[i - 1];
      if (before === undefined || before.time < event.time) return true;
      const posted = Number(before.fields["sequence"]) < Number(event.fields["sequence"]);
      return before.time === event.time && posted;
    });
  },
});

law("time-never-goes-back", {
  says: "No event, input or fault happens, and no slice begins, before what happened already.",
  cites: "src/sim/world.ts; DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs() },
  holds: ({ setup, inputs }) => {
    let last = 0;
    return eventsOf(setup, inputs).every(({ type, time }) => {
      if (!type.name.startsWith("world.")) return true;
      const isLater = time >= last;
      // A slice can begin ahead of what comes next: its runner need not be the one furthest behind.
      if (type.name !== "world.slice") last = time;
      return isLater;
    });
  },
});

law("faults-strike-at-their-time", {
  says: "Each fault of the plan strikes once, at its time, those of one time in the plan's order.",
  cites: "src/sim/faults.ts",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs() },
  holds: ({ setup, inputs }) => {
    const struck = eventsOf(setup, inputs)
      .filter(({ type }) => type.name === "world.fault")
      .map(({ time, fields }) => `${time} ${String(fields["target"])} ${String(fields["kind"])}`);
    const due = setup.faults
      .filter(({ time }) => time < HORIZON)
      .toSorted((a, b) => a.time - b.time)
      .map(({ time, target, kind }) => `${time} ${target} ${kind}`);
    return struck.join() === due.join();
  },
});

law("a-runner-stops-at-its-events", {
  says: "A runner never runs past an event that it posts or moves, nor a slice past an event that waited at its start.",
  cites: "ARCHITECTURE, Invariants",
  forAll: {
    config: anyPostersConfig(),
    seed: fc.nat(1000).map(String),
    sliceCycles: fc.constantFrom(1, 50, 1000, 10_000),
    schedule: fc.option(anySchedule(), { nil: null }),
  },
  holds: ({ config, seed, sliceCycles, schedule }) =>
    using(World.create(posters, { config, seed, sliceCycles, schedule }, pool), (world) => {
      let isWithin = true;
      world.trace.attach({
        event: ({ type, fields }) => {
          if (type.name !== "world.slice") return;
          const next = world.pendingEvents()[0]?.time ?? NEVER;
          isWithin &&= Number(fields["until"]) <= next;
        },
      });
      world.runUntil(HORIZON / 10);
      return isWithin && latenessOf(world) < LONGEST_OPERATION;
    }),
});

law("clocks-stay-together", {
  says: "A CPU begins a slice only within the window of the schedule from the one furthest behind.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup() },
  given: ({ setup }) => setup.config.cpus > 1,
  holds: ({ setup }) =>
    using(createTokens(setup), (world) => {
      const window = setup.schedule?.windowCycles ?? 1;
      let holds = true;
      world.trace.attach({
        event: ({ type, time }) => {
          if (type.name !== "world.slice") return;
          const clocks = cpuNames(setup.config.cpus)
            .filter((cpu) => !world.isParked(cpu))
            .map((cpu) => world.clockOf(cpu));
          holds &&= time < Math.min(...clocks) + window;
        },
      });
      world.runUntil(HORIZON);
      return holds;
    }),
});

law("locked-additions-are-never-lost", {
  says: "Indivisible additions of all CPUs to one counter add up, under every schedule.",
  cites: "Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
  forAll: { setup: anyTokensSetup(), schedule: anySchedule(), config: anyTokensConfig() },
  holds: ({ setup, schedule, config }) =>
    using(
      createTokens({ ...setup, schedule, config: { ...config, adding: "locked" } }),
      (world) => {
        world.runUntil(HORIZON);
        const saved = world.registry.save();
        const rounds = cpuNames(config.cpus).map((cpu) => {
          const state = saved.saved[saved.names.indexOf(cpu)] as { rounds: number; pc: number };
          // Between the addition and the end of its round the counter is one ahead.
          return state.rounds + (state.pc % 2);
        });
        const sum = rounds.reduce((a, b) => a + b, 0);
        return world.memoryOf("memory").read32(0) === sum;
      },
    ),
});

law("tokens-are-conserved", {
  says: "Tokens in the ring are those made, less those lost, plus those doubled; each waits for exactly one event.",
  cites: "src/sim/toy/tokens.ts",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs() },
  holds: ({ setup, inputs }) =>
    using(createTokens(setup), (world) => {
      runWithInputs(world, inputs, HORIZON);
      const saved = world.registry.save();
      const ring = saved.saved[saved.names.indexOf("ring")] as RingState;
      const waiting = world.pendingEvents().filter(({ kind }) => kind === "arrive").length;
      const faults = setup.faults.filter(({ time }) => time < HORIZON);
      const asked = (kind: string): number => faults.filter((fault) => fault.kind === kind).length;
      return (
        ring.inRing === ring.made - ring.lost + ring.doubled &&
        ring.inRing === waiting &&
        ring.made === setup.config.tokens + inputs.length &&
        ring.lost + ring.toLose === asked("lose") &&
        ring.doubled + ring.toDouble === asked("double")
      );
    }),
});

// Helpers

const cpuNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `cpu${i}`);

function eventsOf(
  setup: Parameters<typeof createTokens>[0],
  inputs: Parameters<typeof runWithInputs>[1],
): TraceEvent[] {
  const events: TraceEvent[] = [];
  const world = createTokens(setup);
  world.trace.attach({ event: (event) => void events.push(event) });
  runWithInputs(world, inputs, HORIZON);
  world.release();
  return events;
}
