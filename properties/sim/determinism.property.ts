/** Laws of determinism: what a run depends on, and what it does not. */

import fc from "fast-check";
import { RandomStreams } from "../../src/sim/random.ts";
import { law } from "../support/law.ts";
import {
  anyInputs,
  anyTime,
  anyTokensSetup,
  createTokens,
  digestOfRun,
  HORIZON,
  runWithInputs,
  using,
} from "../support/worlds.ts";

law("same-seed-same-digest", {
  says: "The same set-up, seed and inputs give the same run, digest by digest.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs() },
  holds: ({ setup, inputs }) => {
    const run = (): string[] =>
      using(createTokens(setup), (world) => {
        runWithInputs(world, inputs, HORIZON);
        return [...world.epochDigests, world.digest()];
      });
    return run().join() === run().join();
  },
});

law("another-seed-another-digest", {
  says: "Where randomness enters, another seed gives another run.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup() },
  given: ({ setup }) => setup.config.tokens > 0,
  holds: ({ setup }) =>
    digestOfRun(setup, [], HORIZON) !==
    digestOfRun({ ...setup, seed: `${setup.seed}'` }, [], HORIZON),
});

law("streams-do-not-disturb-each-other", {
  says: "What a random stream gives depends on the seed and its name only, not on draws from other streams.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    seed: fc.string(),
    names: fc.uniqueArray(fc.string({ maxLength: 8 }), { minLength: 2, maxLength: 4 }),
    order: fc.array(fc.nat(3), { maxLength: 60 }),
  },
  holds: ({ seed, names, order }) => {
    const together = new RandomStreams(seed);
    const drawn = new Map<string, number[]>(names.map((name) => [name, []]));
    for (const i of order) {
      const name = names[i % names.length] as string;
      drawn.get(name)?.push(together.stream(name).u32());
    }
    return names.every((name) => {
      const alone = new RandomStreams(seed).stream(name);
      return (drawn.get(name) ?? []).every((value) => value === alone.u32());
    });
  },
});

law("streams-differ-by-name", {
  says: "Streams of different names, and forks of different names, give different values.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    seed: fc.string(),
    names: fc.uniqueArray(fc.string({ maxLength: 8 }), { minLength: 2, maxLength: 2 }),
  },
  holds: ({ seed, names }) => {
    const streams = new RandomStreams(seed);
    const [a, b] = names.map((name) => streams.stream("parent").fork(name).u64());
    const [c, d] = names.map((name) => streams.stream(name).u64());
    return a !== b && c !== d;
  },
});

law("pauses-do-not-matter", {
  says: "Where a caller pauses, between decisions or in the middle of a slice, has no influence on the run.",
  cites: "src/sim/world.ts; DESIGN, Time, order, randomness",
  forAll: {
    setup: anyTokensSetup(),
    pauses: fc.array(
      fc.record({ how: fc.constantFrom("time", "step", "slice"), time: anyTime(), cpu: fc.nat(3) }),
      { maxLength: 12 },
    ),
  },
  holds: ({ setup, pauses }) => {
    const undisturbed = digestOfRun(setup, [], HORIZON);
    const world = createTokens(setup);
    for (const { how, time, cpu } of pauses) {
      if (how === "step") world.step();
      else if (how === "time") world.runUntil(Math.max(time, world.now));
      else if (cpu < setup.config.cpus) world.runInto(`cpu${cpu}`, time);
    }
    world.runUntil(Math.max(HORIZON, world.now));
    return using(world, () => world.now > HORIZON || world.digest() === undisturbed);
  },
});

law("a-slice-stops-where-asked", {
  says: "A run into a CPU's slice ends at the first of its operations that ends at or after the clock asked for.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), clock: anyTime() },
  given: ({ setup }) => setup.config.cpus > 0,
  holds: ({ setup, clock }) =>
    using(createTokens(setup), (world) => {
      world.runInto("cpu0", clock);
      const reached = world.clockOf("cpu0");
      // The longest operation of a toy CPU takes five cycles.
      return world.isParked("cpu0") || (reached >= clock && reached < clock + 5) || clock === 0;
    }),
});

law("sinks-change-nothing", {
  says: "A sink attached to the trace changes neither the run nor its digest.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), from: anyTime() },
  holds: ({ setup, from }) => {
    const world = createTokens(setup);
    world.runUntil(from);
    world.trace.attach({ event: () => {} });
    world.runUntil(HORIZON);
    return using(world, () => world.digest()) === digestOfRun(setup, [], HORIZON);
  },
});
