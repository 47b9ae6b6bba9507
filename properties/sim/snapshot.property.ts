/** Laws of snapshots: a restored world, a fork and a world sought back to are the world. */

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { Hasher } from "../../src/sim/hash.ts";
import { MemoryPool } from "../../src/sim/paged-memory.ts";
import { eventType, formatEvent, Trace, type TraceSink } from "../../src/sim/trace.ts";
import type { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { AllKinds, anyChange, type Change } from "../support/kinds.ts";
import {
  anyInputs,
  anyPauses,
  anyTime,
  anyTokensSetup,
  createTokens,
  digestOfRun,
  HORIZON,
  runWithInputs,
  type TokensSetup,
  using,
  walk,
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
    const secondBack = isDeepStrictEqual(kinds.look(), secondLook);
    kinds.registry.load(first);
    return firstBack && secondBack && isDeepStrictEqual(kinds.look(), firstLook);
  },
});

law("equal-state-equal-digest", {
  says: "The digest of registered state depends on the state only, not on the way to it, and tells states apart.",
  cites: "DESIGN, Time, order, randomness",
  forAll: { wanted: anyChanges(), detour: anyChanges(), more: anyChange() },
  holds: ({ wanted, detour, more }) => {
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
    const [look, digest] = [winding.look(), digestOf(winding)];
    winding.apply(more);
    return (
      same &&
      isDeepStrictEqual(detourLook, look) === (detourDigest === digest) &&
      isDeepStrictEqual(look, winding.look()) === (digest === digestOf(winding))
    );
  },
});

law("a-used-memory-is-as-good-as-new", {
  says: "An image restored into a memory that held anything else gives the image's bytes, and zeros where it has none.",
  cites: "DESIGN, Memory",
  forAll: { image: anyChanges(), used: anyChanges() },
  runs: 50,
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
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    moment: anyTime(),
    pauses: anyPauses(),
    elsewhere: anyTime(),
  },
  holds: ({ setup, inputs, moment, pauses, elsewhere }) =>
    using(createTokens(setup), (world) => {
      runWithInputs(world, inputs, moment);
      walk(world, pauses);
      const snapshot = world.snapshot();
      const atMoment = placeOf(world);
      const end = world.now + elsewhere;
      world.runUntil(end);
      const later = placeOf(world);
      world.restore(snapshot);
      const back = placeOf(world) === atMoment;
      world.runUntil(end);
      return back && placeOf(world) === later;
    }),
});

law("a-fork-is-the-world-and-leaves-it-alone", {
  says: "A fork goes on exactly as the world would, and what happens in one does not reach the other.",
  cites: "DESIGN, State is data",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    pauses: anyPauses(),
    moment: anyTime(),
    length: anyTime(),
  },
  holds: ({ setup, inputs, pauses, moment, length }) =>
    using(createTokens(setup), (world) => {
      world.keepTimeline({ everyCycles: 3000, maxSnapshots: 8, maxBytes: 1 << 30 });
      runWithInputs(world, inputs, HORIZON);
      // From here on there are inputs to come, for both of them.
      world.seek(moment);
      walk(world, pauses);
      const here = placeOf(world);
      const end = world.now + length;
      const forked = using(world.fork(), (fork) => {
        const same = placeOf(fork) === here;
        fork.runUntil(end);
        const place = same ? placeOf(fork) : "another place";
        fork.input("ring", "insert", 0);
        fork.memoryOf("memory").fill(0, 8192, 0x55);
        return place;
      });
      const untouched = placeOf(world) === here;
      world.runUntil(end);
      return untouched && placeOf(world) === forked;
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

law("another-way-is-the-run-that-went-it-at-once", {
  says: "After going back, an input makes the run, its digests and events what they are when it is given at first.",
  cites: "src/sim/world.ts; DESIGN, State is data",
  forAll: {
    setup: anyTokensSetup(),
    inputs: anyInputs(),
    moment: fc.oneof(anyTime(), fc.constant(0)),
    node: fc.nat(9),
    everyCycles: fc.integer({ min: 500, max: 20_000 }),
    again: fc.array(anyTime(), { maxLength: 4 }),
    listens: fc.boolean(),
  },
  holds: ({ setup, inputs, moment, node, everyCycles, again, listens }) =>
    using(createTokens(setup), (world) =>
      using(createTokens(setup), (direct) => {
        const [seen, expected]: string[][] = [[], []];
        const sinkTo = (lines: string[] | undefined): TraceSink => ({
          event: (event) => void lines?.push(formatEvent(event)),
        });
        world.keepTimeline({ everyCycles, maxSnapshots: 12, maxBytes: 1 << 30 });
        runWithInputs(world, inputs, HORIZON);
        world.seek(moment);
        if (listens) world.trace.attach(sinkTo(seen));
        world.input("ring", "insert", node);
        const before = inputs.filter(({ time }) => time < moment);
        runWithInputs(direct, before, moment);
        if (listens) direct.trace.attach(sinkTo(expected));
        direct.input("ring", "insert", node);
        for (const each of [world, direct]) each.runUntil(HORIZON);
        const same = seen?.join() === expected?.join() && placeOf(world) === placeOf(direct);
        for (const time of again) world.seek(Math.max(moment, time));
        world.seek(HORIZON + 1);
        direct.runUntil(HORIZON + 1);
        return same && placeOf(world) === placeOf(direct);
      }),
    ),
});

law("a-timeline-keeps-its-bound", {
  says: "A timeline never holds more snapshots or bytes than allowed, always the start, and, bytes allowing, snapshots at a bounded distance.",
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
    }) && distancesAreBounded(setup, everyCycles, maxSnapshots),
});

law("events-are-delivered-once", {
  says: "A sink gets each event of a run after its attachment once and in order, however often parts of the run are executed again.",
  cites: "src/sim/trace.ts",
  forAll: {
    setup: anyTokensSetup(),
    from: fc.oneof(fc.constant(0), anyTime()),
    moments: fc.array(anyTime(), { maxLength: 6 }),
  },
  holds: ({ setup, from, moments }) =>
    using(createTokens(setup), (world) => {
      const numbers: number[] = [];
      world.keepTimeline({ everyCycles: 3000, maxSnapshots: 8, maxBytes: 1 << 30 });
      world.runUntil(from);
      const first = world.trace.count;
      world.trace.attach({ event: ({ number }) => void numbers.push(number) });
      for (const moment of moments) world.seek(moment);
      world.seek(HORIZON);
      const inOrder = numbers.every((number, i) => number === first + i);
      return inOrder && first + numbers.length === world.trace.count;
    }),
});

law("every-part-of-an-event-counts", {
  says: "The digest of a trace tells apart events that differ in time, source, type or any field.",
  cites: "src/sim/trace.ts",
  forAll: {
    event: fc.record(anyEventParts()),
    part: fc.constantFrom(...Object.keys(anyEventParts())),
    other: fc.record(anyEventParts()),
  },
  holds: ({ event, part, other }) => {
    const value = other[part as keyof AnyEvent];
    const [digest, otherDigest] = [event, { ...event, [part]: value }].map((emitted) => {
      const trace = new Trace(true);
      emitTo(trace, emitted);
      const hasher = new Hasher();
      trace.digest(hasher);
      return hasher.hex();
    });
    return Object.is(value, event[part as keyof AnyEvent]) === (digest === otherDigest);
  },
});

// Helpers

/** Where a world is in its run: all that can be seen of it and was not asked for by a caller. */
function placeOf(world: World): string {
  const { steps, pending, epochDigests, inputs } = world;
  return [world.digest(), steps, pending, world.trace.count, ...epochDigests, inputs.length].join();
}

/** With room for all bytes: wherever the run is, the last snapshot lies within twice the distance of equal parts. */
function distancesAreBounded(
  setup: TokensSetup,
  everyCycles: number,
  maxSnapshots: number,
): boolean {
  return using(createTokens(setup), (world) => {
    world.keepTimeline({ everyCycles, maxSnapshots, maxBytes: 1 << 30 });
    world.runUntil(HORIZON);
    const bound = Math.max(everyCycles, (4 * HORIZON) / maxSnapshots);
    for (let time = 0; time <= HORIZON; time += everyCycles) {
      const snapshot = world.timeline?.before(time);
      if (snapshot === undefined || time - snapshot.time > bound) return false;
    }
    return true;
  });
}

interface AnyEvent {
  readonly type: string;
  readonly time: number;
  readonly source: string;
  readonly number: number;
  readonly text: string;
  readonly flag: boolean;
  readonly wide: bigint;
}

const ANY_SHAPE = { number: "number", text: "text", flag: "flag", wide: "wide" } as const;

function anyEventParts() {
  return {
    type: fc.constantFrom("a.happened", "b.happened"),
    time: fc.nat(5),
    source: fc.constantFrom("cpu0", "cpu1"),
    number: fc.constantFrom(0, -0, 1, 2 ** 40, Number.NaN),
    text: fc.string({ maxLength: 3 }),
    flag: fc.boolean(),
    wide: fc.constantFrom(0n, 1n, -1n, 2n ** 64n),
  };
}

function emitTo(trace: Trace, { type, time, source, ...fields }: AnyEvent): void {
  trace.emit(eventType(type, ANY_SHAPE), time, source, fields);
}

function digestOf(kinds: AllKinds): string {
  const hasher = new Hasher();
  kinds.registry.digest(hasher);
  return hasher.hex();
}
