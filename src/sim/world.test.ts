import { describe, expect, test } from "vitest";
import { AssertionError, InputError } from "./assert.ts";
import type { Blueprint } from "./blueprint.ts";
import { drawFaultPlan } from "./faults.ts";
import { PagedMemory } from "./paged-memory.ts";
import { RandomStreams } from "./random.ts";
import { drawSchedulePlan } from "./schedule.ts";
import { firstSnapshotDifference, SnapshotRegistry } from "./snapshot.ts";
import { type TokensConfig, tokens } from "./toy/tokens.ts";
import { World } from "./world.ts";

const config = (some: Partial<TokensConfig> = {}): TokensConfig =>
  tokens.parse(some as TokensConfig);

/** Additions that two toy CPUs lost to each other. */
function lostUpdates(setup: Parameters<typeof World.create>[1]): number {
  const world = World.create(tokens, setup as { config: TokensConfig });
  world.runUntil(100_000);
  const { names, saved } = world.registry.save();
  const cpus = ["cpu0", "cpu1"].map(
    (name) => saved[names.indexOf(name)] as { rounds: number; pc: number },
  );
  const stored = cpus.reduce(
    (sum, { rounds, pc }) => sum + rounds + Number([3, 7, 11].includes(pc)),
    0,
  );
  return stored - world.memoryOf("memory").read32(0);
}

describe("a world", () => {
  test("loses racy additions under some disturbed schedule, and locked ones under none", () => {
    const stream = new RandomStreams("1").stream("plans");
    const setups = Array.from({ length: 40 }, () => ({
      sliceCycles: 3,
      schedule: drawSchedulePlan(stream, 2, 3, 500, 20),
    }));
    const lost = (adding: "racy" | "locked"): number[] =>
      setups.map((setup) => lostUpdates({ ...setup, config: config({ adding, tokens: 0 }) }));
    expect(lost("racy").some((count) => count > 0)).toBe(true);
  });

  test("refuses a fault that nobody suffers, naming the entry", () => {
    const faults = [
      { time: 1, target: "ring", kind: "lose" },
      { time: 1, target: "ring", kind: "melt" },
    ];
    expect(() => World.create(tokens, { config: config(), faults })).toThrow(
      "fault 2 of 2: no component ring that suffers melt",
    );
  });

  test("draws fault plans in order of time within the horizon", () => {
    const sites = [{ target: "ring", kind: "lose" }];
    const plan = drawFaultPlan(new RandomStreams("1").stream("faults"), sites, 50, 1000);
    expect(plan).toHaveLength(50);
    expect(plan.every(({ time }, i) => time < 1000 && time >= (plan[i - 1]?.time ?? 0))).toBe(true);
    const two = [...sites, { target: "disk", kind: "fail" }];
    const near = drawFaultPlan(new RandomStreams("1").stream("faults"), two, 50, 2);
    expect(new Set(near.map(({ time, target }) => `${target} ${time}`))).toEqual(
      new Set(["ring 0", "ring 1", "disk 0", "disk 1"]),
    );
  });

  test("refuses an input that nobody takes", () => {
    const world = World.create(tokens, { config: config() });
    expect(() => world.input("nobody", "insert")).toThrow(InputError);
    expect(() => world.input("ring", "toString")).toThrow(
      "input for ring: it does not take toString",
    );
  });

  test("refuses to rewrite a run that is being recorded", () => {
    const world = World.create(tokens, { config: config() });
    world.observe({});
    world.keepTimeline({ everyCycles: 1000, maxSnapshots: 4, maxBytes: 1 << 20 });
    world.runUntil(2_000_000);
    world.seek(1000);
    expect(() => world.input("ring", "insert")).toThrow("fork it first");
  });

  test("is as it was after it has refused to be rewritten", () => {
    const world = World.create(tokens, { config: config() });
    world.observe({});
    world.keepTimeline({ everyCycles: 1000, maxSnapshots: 4, maxBytes: 1 << 20 });
    world.runUntil(1000);
    world.input("ring", "insert", 3);
    world.runUntil(2_000_000);
    const end = world.digest();
    world.seek(500);
    expect(() => world.input("ring", "insert")).toThrow("fork it first");
    world.runUntil(2_000_000);
    expect(world.inputs).toHaveLength(1);
    expect(world.digest()).toBe(end);
  });

  test("without digests, forgets the snapshots of the way it did not take", () => {
    const world = World.create(tokens, { config: config(), epochCycles: 0 });
    world.keepTimeline({ everyCycles: 1000, maxSnapshots: 40, maxBytes: 1 << 30 });
    world.runUntil(20_000);
    world.seek(5500);
    world.input("ring", "insert", 3);
    world.runUntil(9000);
    const there = world.digest();
    world.runUntil(9500);
    world.seek(9000);
    expect(world.digest()).toBe(there);
  });

  test("takes another way after an input given in the past", () => {
    const world = World.create(tokens, { config: config() });
    world.keepTimeline({ everyCycles: 100_000, maxSnapshots: 40, maxBytes: 1 << 30 });
    world.runUntil(2_500_000);
    const before = world.epochDigests;
    world.seek(1_500_000);
    world.input("ring", "insert", 3);
    world.runUntil(2_500_000);
    expect(world.epochDigests[0]).toBe(before[0]);
    expect(world.epochDigests[1]).not.toBe(before[1]);
  });

  test("cannot seek to before its timeline", () => {
    const world = World.create(tokens, { config: config() });
    world.runUntil(500);
    world.keepTimeline({ everyCycles: 100_000, maxSnapshots: 40, maxBytes: 1 << 30 });
    world.runUntil(1000);
    expect(() => world.seek(499)).toThrow("time 499: no snapshot lies before it");
    world.input("ring", "insert");
    world.keepTimeline({ everyCycles: 100_000, maxSnapshots: 40, maxBytes: 1 << 30 });
    expect(() => world.seek(1000)).toThrow("time 1000: no snapshot lies before it");
    world.seek(1001);
  });

  test("is at a time before all that happens at it", () => {
    const world = World.create(tokens, { config: config() });
    world.keepTimeline({ everyCycles: 300, maxSnapshots: 40, maxBytes: 1 << 30 });
    world.runUntil(1000);
    const there = world.digest();
    world.input("ring", "insert", 3);
    expect(world.digest()).not.toBe(there);
    world.seek(1000);
    expect(world.digest()).toBe(there);
  });

  test("has a future that its fork does not have yet", () => {
    const world = World.create(tokens, { config: config() });
    world.keepTimeline({ everyCycles: 100_000, maxSnapshots: 40, maxBytes: 1 << 30 });
    world.runUntil(2_500_000);
    world.seek(1_500_000);
    const fork = world.fork();
    const told: number[] = [];
    fork.observe({ epoch: ({ index }) => void told.push(index) });
    fork.input("ring", "insert", 3);
    fork.runUntil(2_500_000);
    expect(told).toEqual([2]);
  });

  test("takes an input between decisions, also one that is given in the middle of a slice", () => {
    const setup = { config: config({ cpus: 1, tokens: 0 }), sliceCycles: 1000 };
    const [inside, after] = [World.create(tokens, setup), World.create(tokens, setup)];
    for (const world of [inside, after]) {
      world.runInto("cpu0", 3);
      expect(world.now).toBeGreaterThan(0);
    }
    // The slice of this one ends first.
    after.runUntil(0);
    for (const world of [inside, after]) world.input("ring", "insert", 1);
    expect(inside.inputs).toEqual(after.inputs);
    for (const world of [inside, after]) world.runUntil(50_000);
    expect(inside.digest()).toBe(after.digest());
  });

  test("does not run again what it has run when it is to go forwards", () => {
    let executed = 0;
    const counted: Blueprint<TokensConfig> = {
      ...tokens,
      build(world) {
        const tick = (): void => {
          executed += 1;
          world.postIn(100, "ticks", "tick");
        };
        world.add({ name: "ticks", handlers: { tick } });
      },
      start: (world) => void world.post(0, "ticks", "tick"),
    };
    const world = World.create(counted, { config: config() });
    world.keepTimeline({ everyCycles: 1000, maxSnapshots: 8, maxBytes: 1 << 20 });
    world.runUntil(1950);
    world.seek(1980);
    expect(executed).toBe(20);
    // But what lies behind it already is not run again on the way to there.
    world.seek(50);
    world.seek(1980);
    expect(executed).toBe(20 + 1 + 10);
  });

  test("refuses times that are no whole cycles, and the past", () => {
    const world = World.create(tokens, { config: config() });
    world.runUntil(500);
    expect(() => world.runUntil(0.5)).toThrow(AssertionError);
    expect(() => world.post(499, "ring", "arrive")).toThrow(AssertionError);
    expect(() => world.post(500.5, "ring", "arrive")).toThrow(AssertionError);
    const handle = world.post(500, "ring", "arrive");
    expect(() => world.reschedule(handle, 499)).toThrow(AssertionError);
    expect(() => world.reschedule(handle, 500.5)).toThrow(AssertionError);
    for (const setup of [{ sliceCycles: 0 }, { epochCycles: 0.5 }]) {
      expect(() => World.create(tokens, { config: config(), ...setup })).toThrow(AssertionError);
    }
  });

  test("hands a fault its detail, and takes no name that a component merely inherits", () => {
    const details: unknown[] = [];
    const blueprint: Blueprint = {
      name: "patient",
      version: 1,
      parse: (given) => given,
      images: () => [],
      build: (world) =>
        world.add({
          name: "patient",
          handlers: {},
          faults: { pain: (detail) => void details.push(detail) },
        }),
      start() {},
    };
    const fault = { time: 1, target: "patient", kind: "pain" };
    const faults = [fault, { ...fault, detail: { level: 3 } }];
    World.create(blueprint, { config: null, faults }).runUntil(2);
    expect(details).toEqual([undefined, { level: 3 }]);
    for (const bad of [{ kind: "toString" }, { time: -1 }, { time: 0.5 }]) {
      const plan = [{ ...fault, ...bad }];
      expect(() => World.create(blueprint, { config: null, faults: plan })).toThrow("fault 1 of 1");
    }
  });

  test.each([
    [{ nodes: 0 }, "tokens: nodes is a whole number from 1 to 65536"],
    [{ cpus: 65 }, "tokens: cpus is a whole number from 0 to 64"],
    [{ size: 1 }, "tokens: no setting is called size"],
    [{ adding: "twice" }, "tokens: adding is locked, racy or image"],
    [[1], "tokens: expected an object of settings"],
  ])("refuses the configuration %j", (given, message) => {
    expect(() => tokens.parse(given as TokensConfig)).toThrow(message);
  });

  test("refuses a toy program with an unknown operation", () => {
    const images = { program: Uint8Array.of(0, 1, 9) };
    expect(() => World.create(tokens, { config: config({ adding: "image" }), images })).toThrow(
      "image program: byte 2 is 9; expected an operation from 0 to 5",
    );
  });
});

describe("the snapshot registry", () => {
  test("refuses what is no plain data, with the path", () => {
    const registry = new SnapshotRegistry();
    const cell = registry.plain<{ list: unknown[] }>("thing", { list: [1] });
    cell.value.list.push(() => {});
    expect(() => registry.save()).toThrow("state is plain data, but thing.list[1] is a function");
    cell.value.list = [new Map()];
    expect(() => registry.save()).toThrow("state is plain data, but thing.list[0] is a Map");
  });

  test("has one name for each piece of state", () => {
    const registry = new SnapshotRegistry();
    registry.plain("thing", null);
    expect(() => registry.plain("thing", null)).toThrow(AssertionError);
  });

  test("takes a snapshot only of a world of the same make", () => {
    const [a, b] = [new SnapshotRegistry(), new SnapshotRegistry()];
    a.plain("thing", null);
    expect(() => b.load(a.save())).toThrow("a snapshot is loaded into a world of the same make");
  });

  test("names the difference that is the story: what components registered before the world's own", () => {
    const registry = new SnapshotRegistry();
    const own = registry.plain("world.core", { steps: 1 });
    const thing = registry.plain("thing", { list: [1, 2] });
    const memory = new PagedMemory(600 * 4096);
    registry.memory("memory", memory);
    const before = registry.save();
    expect(firstSnapshotDifference(before, before)).toBe(null);
    own.value.steps = 2;
    const expected = { name: "world.core", path: ".steps", left: 1, right: 2 };
    expect(firstSnapshotDifference(before, registry.save())).toEqual(expected);
    memory.write8(599 * 4096 + 1, 7);
    const inMemory = { name: "memory", path: "[0x257001]", left: 0, right: 7 };
    expect(firstSnapshotDifference(before, registry.save())).toEqual(inMemory);
    thing.value.list[1] = 3;
    const inThing = { name: "thing", path: ".list[1]", left: 2, right: 3 };
    expect(firstSnapshotDifference(before, registry.save())).toEqual(inThing);
  });

  test("tells what is derived from state to rebuild after a load", () => {
    const registry = new SnapshotRegistry();
    const cell = registry.plain("thing", { count: 2 });
    let doubled = 4;
    registry.derived(() => {
      doubled = 2 * cell.value.count;
    });
    const saved = registry.save();
    cell.value.count = 5;
    doubled = 10;
    registry.load(saved);
    expect(doubled).toBe(4);
  });
});
