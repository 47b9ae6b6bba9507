/** Laws of determinism: what a run depends on, and what it does not. */

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type RandomStream, RandomStreams } from "../../src/sim/random.ts";
import { law } from "../support/law.ts";
import {
  anyInputs,
  anyPauses,
  anyTime,
  anyTokensSetup,
  createTokens,
  digestOfRun,
  HORIZON,
  runWithInputs,
  using,
  walk,
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
  says: "Streams of different names give different values, and so do forks of different names or parents.",
  cites: "DESIGN, Time, order, randomness",
  forAll: {
    seed: fc.string(),
    names: fc.uniqueArray(fc.string({ maxLength: 8 }), { minLength: 2, maxLength: 2 }),
  },
  holds: ({ seed, names }) => {
    const [a, b] = names as [string, string];
    const fresh = (name: string): RandomStream => new RandomStreams(seed).stream(name);
    const streams = new Map([a, b, "x"].map((name) => [name, fresh(name)]));
    for (const name of [a, b]) {
      streams.set(`${name}/x`, fresh(name).fork("x"));
      streams.set(`${name}/y`, fresh(name).fork("y"));
    }
    return new Set([...streams.values()].map((stream) => stream.u64())).size === streams.size;
  },
});

law("draws-reach-every-outcome", {
  says: "A draw is one of the outcomes asked for, and each of them comes up.",
  cites: "src/sim/random.ts",
  forAll: { seed: fc.string(), low: fc.nat(1000), outcomes: fc.integer({ min: 1, max: 8 }) },
  holds: ({ seed, low, outcomes }) => {
    const stream = new RandomStreams(seed).stream("dice");
    const items = Array.from({ length: outcomes }, (_, i) => low + i);
    const all = items.join();
    const seen = (draw: () => number): string =>
      [...new Set(Array.from({ length: 400 }, draw))].toSorted((a, b) => a - b).join();
    return (
      seen(() => stream.between(low, low + outcomes - 1)) === all &&
      seen(() => low + stream.below(outcomes)) === all &&
      seen(() => stream.pick(items)) === all &&
      seen(() => Number(stream.chance(2))) === "0,1" &&
      new Set([stream.u64(), stream.u64()].flatMap((wide) => [wide >> 32n, wide % 2n ** 32n]))
        .size === 4
    );
  },
});

law("streams-go-on-where-they-were", {
  says: "Streams loaded from a save go on as they did then, and one that had not been drawn from begins anew.",
  cites: "DESIGN, State is data",
  forAll: {
    seed: fc.string(),
    before: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 9 }),
    after: fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 9 }),
    made: fc.shuffledSubarray(["a", "b", "c", "d"]),
  },
  holds: ({ seed, before, after, made }) => {
    const streams = new RandomStreams(seed);
    const draw = (from: RandomStreams, names: readonly string[]): string =>
      names.map((name) => from.stream(name).u32()).join();
    draw(streams, before);
    const saved = streams.save();
    const drawn = draw(streams, after);
    streams.load(saved);
    // Which streams were made, and in which order, is not to be seen.
    const other = new RandomStreams(seed);
    for (const name of made) other.stream(name);
    other.load(saved);
    const same = [streams, other].every((each) =>
      isDeepStrictEqual(Object.entries(each.save()), Object.entries(saved)),
    );
    return same && draw(streams, after) === drawn && draw(other, after) === drawn;
  },
});

law("pauses-do-not-matter", {
  says: "Where a caller pauses, between decisions or in the middle of a slice, has no influence on the run.",
  cites: "src/sim/world.ts; DESIGN, Time, order, randomness",
  forAll: {
    setup: anyTokensSetup(),
    pauses: anyPauses(),
  },
  holds: ({ setup, pauses }) => {
    const world = createTokens(setup);
    walk(world, pauses);
    // A step may have taken a decision at the very time that it came to.
    const end = Math.max(HORIZON, world.now + 1);
    world.runUntil(end);
    return using(world, () => world.digest()) === digestOfRun(setup, [], end);
  },
});

law("a-slice-stops-where-asked", {
  says: "A run into a CPU's slice ends at the first of its operations that ends at or after the clock asked for.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), clock: anyTime(), ahead: fc.integer({ min: 1, max: 12 }) },
  given: ({ setup }) => setup.config.cpus > 0,
  holds: ({ setup, clock, ahead }) =>
    using(createTokens(setup), (world) => {
      world.runInto("cpu0", clock);
      // The next time that it wakes it runs for 19 cycles; its longest operation takes five.
      while (!world.isParked("cpu0")) world.step();
      while (world.isParked("cpu0")) world.step();
      const wanted = world.clockOf("cpu0") + ahead;
      world.runInto("cpu0", wanted);
      const reached = world.clockOf("cpu0");
      return reached >= wanted && reached < wanted + 5;
    }),
});

law("sinks-change-nothing", {
  says: "A sink attached to the trace changes neither the run nor its digest.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { setup: anyTokensSetup(), from: anyTime(), length: anyTime() },
  holds: ({ setup, from, length }) =>
    using(createTokens(setup), (watched) =>
      using(createTokens(setup), (alone) => {
        const sink = { event: (): void => {} };
        watched.runUntil(from);
        watched.trace.attach(sink);
        watched.runUntil(from + length);
        watched.trace.detach(sink);
        watched.runUntil(2 * HORIZON);
        alone.runUntil(2 * HORIZON);
        return watched.digest() === alone.digest() && watched.trace.count === alone.trace.count;
      }),
    ),
});
