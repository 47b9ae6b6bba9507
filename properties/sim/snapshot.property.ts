/** Laws of snapshots: a restored world, a fork and a world sought back to are the world. */

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { Hasher } from "../../src/sim/hash.ts";
import { MemoryPool } from "../../src/sim/paged-memory.ts";
import { law } from "../support/law.ts";
import { AllKinds, anyChange, type Change } from "../support/kinds.ts";
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

const anyChanges = (): fc.Arbitrary<Change[]> => fc.array(anyChange(), { maxLength: 12 });

law("every-kind-of-state-comes-back", {
  says: "Whatever changes after a snapshot, restoring it brings every kind of registered state back as it was.",
  cites: "DESIGN, State is data",
  forAll: { before: anyChanges(), after: anyChanges(), later: anyChanges() },
  holds: ({ before, after, later }) => {
    const kinds = new AllKinds();
    for (const change of before) kinds.apply(change);
    const first = kinds.registry.save();
    const firstLook = kinds.look();
    for (const change of after) kinds.apply(change);
    const second = kinds.registry.save();
    const secondLook = kinds.look();
    for (const change of later) kinds.apply(change);
    kinds.registry.load(first);
    const firstBack = isDeepStrictEqual(kinds.look(), firstLook);
    for (const change of later) kinds.apply(change);
    kinds.registry.load(second);
    return firstBack && isDeepStrictEqual(kinds.look(), secondLook);
  },
});

law("equal-state-equal-digest", {
  says: "The digest of registered state depends on the state only, not on the way to it, and tells states apart.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { wanted: anyChanges(), detour: anyChanges() },
  holds: ({ wanted, detour }) => {
    const straight = new AllKinds();
    for (const change of wanted) straight.apply(change);
    const winding = new AllKinds();
    const start = winding.registry.save();
    for (const change of detour) winding.apply(change);
    digestOf(winding);
    const detourLook = winding.look();
    const detourDigest = digestOf(winding);
    winding.registry.load(start);
    for (const change of wanted) winding.apply(change);
    const same = digestOf(straight) === digestOf(winding);
    const differs = !isDeepStrictEqual(detourLook, winding.look());
    return same && differs === (detourDigest !== digestOf(winding));
  },
});

law("a-used-memory-is-as-good-as-new", {
  says: "An image restored into a memory that held anything else gives the image's bytes, and zeros where it has none.",
  cites: "DESIGN, Memory",
  forAll: { image: anyChanges(), used: anyChanges() },
  holds: ({ image, used }) => {
    const [source, other] = [new AllKinds(), new AllKinds()];
    for (const change of image) source.apply(change);
    for (const change of used) other.apply(change);
    const memories = new MemoryPool();
    memories.give(other.memory);
    const { sizeBytes, engineBytes } = source.memory;
    const filled = memories.take(sizeBytes, engineBytes, source.memory.capture());
    const sameBytes = Buffer.compare(filled.bytes, source.memory.bytes) === 0;
    memories.give(filled);
    const empty = memories.take(sizeBytes, engineBytes);
    return sameBytes && filled === other.memory && empty.bytes.every((byte) => byte === 0);
  },
});

law("a-restored-world-goes-on-as-the-original", {
  says: "A world restored to a snapshot, from anywhere, goes on exactly as it did.",
  cites: "DESIGN, State is data",
  forAll: { setup: anyTokensSetup(), inputs: anyInputs(), moment: anyTime(), elsewhere: anyTime() },
  holds: ({ setup, inputs, moment, elsewhere }) =>
    using(createTokens(setup), (world) => {
      runWithInputs(world, inputs, moment);
      const snapshot = world.snapshot();
      const atMoment = world.digest();
      world.runUntil(moment + elsewhere);
      const later = world.digest();
      world.restore(snapshot);
      const back = world.digest() === atMoment;
      world.runUntil(moment + elsewhere);
      return back && world.digest() === later;
    }),
});

law("a-fork-is-the-world-and-leaves-it-alone", {
  says: "A fork goes on exactly as the world would, and what happens in one does not reach the other.",
  cites: "DESIGN, State is data",
  forAll: { setup: anyTokensSetup(), moment: anyTime(), end: anyTime() },
  holds: ({ setup, moment, end }) =>
    using(createTokens(setup), (world) => {
      world.runUntil(moment);
      const here = world.digest();
      const forked = using(world.fork(), (fork) => {
        fork.runUntil(moment + end);
        const digest = fork.digest();
        fork.input("ring", "insert", 0);
        fork.memoryOf("memory").fill(0, 8192, 0x55);
        return digest;
      });
      const untouched = world.digest() === here;
      world.runUntil(moment + end);
      return untouched && world.digest() === forked;
    }),
});

law("seeking-changes-nothing", {
  says: "Going to any moments of a run, forwards and backwards, and back again changes nothing.",
  cites: "DESIGN, State is data",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    moments: fc.array(anyTime(), { maxLength: 8 }),
    everyCycles: fc.integer({ min: 500, max: 20_000 }),
    maxSnapshots: fc.integer({ min: 2, max: 12 }),
  },
  holds: ({ setup, inputs, moments, everyCycles, maxSnapshots }) =>
    using(createTokens(setup), (world) => {
      world.keepTimeline({ everyCycles, maxSnapshots, maxBytes: 1 << 30 });
      runWithInputs(world, inputs, HORIZON);
      const end = world.digest();
      const epochs = world.epochDigests.join();
      for (const moment of moments) {
        world.seek(moment);
        const given = inputs.filter(({ time }) => time < moment);
        if (world.digest() !== digestOfRun(setup, given, moment)) return false;
      }
      // What the inputs at the very end did lies at the horizon, so one cycle later is the same moment.
      world.seek(HORIZON + 1);
      const another = createTokens(setup);
      runWithInputs(another, inputs, HORIZON);
      const same = another.digest() === end && another.epochDigests.join() === epochs;
      another.runUntil(HORIZON + 1);
      return using(another, () => same && another.digest() === world.digest());
    }),
});

law("a-timeline-keeps-its-bound", {
  says: "A timeline never holds more snapshots or bytes than allowed, and always the start.",
  cites: "src/sim/timeline.ts",
  forAll: {
    setup: anyTokensSetup(),
    everyCycles: fc.integer({ min: 100, max: 2000 }),
    maxSnapshots: fc.integer({ min: 2, max: 12 }),
    maxPages: fc.integer({ min: 1, max: 40 }),
  },
  holds: ({ setup, everyCycles, maxSnapshots, maxPages }) =>
    using(createTokens(setup), (world) => {
      const maxBytes = maxPages * 4096;
      world.keepTimeline({ everyCycles, maxSnapshots, maxBytes });
      for (let time = 0; time < HORIZON; time += HORIZON / 8) {
        world.runUntil(time);
        const { timeline } = world;
        if (timeline === null || timeline.length > maxSnapshots) return false;
        if (timeline.length > 2 && timeline.heldBytes() > maxBytes) return false;
        if (timeline.before(0) === undefined) return false;
      }
      return true;
    }),
});

law("events-are-delivered-once", {
  says: "A sink gets each event of a run once and in order, however often parts of the run are executed again.",
  cites: "src/sim/trace.ts",
  forAll: { setup: anyTokensSetup(), moments: fc.array(anyTime(), { maxLength: 6 }) },
  holds: ({ setup, moments }) =>
    using(createTokens(setup), (world) => {
      const numbers: number[] = [];
      world.trace.attach({ event: ({ number }) => void numbers.push(number) });
      world.keepTimeline({ everyCycles: 3000, maxSnapshots: 8, maxBytes: 1 << 30 });
      for (const moment of moments) world.seek(moment);
      world.seek(HORIZON);
      return numbers.length === world.trace.count && numbers.every((number, i) => number === i);
    }),
});

// Helpers

function digestOf(kinds: AllKinds): string {
  const hasher = new Hasher();
  kinds.registry.digest(hasher);
  return hasher.hex();
}
