/** Laws of guests' disks on a host: from the device through the VMM and the host's limits to the disk, and back. */

import fc from "fast-check";
import type { Json } from "../../src/sim/data.ts";
import { RandomStreams } from "../../src/sim/random.ts";
import type { GroupFiles } from "../../src/linux/cgroups/administration.ts";
import {
  type Asked,
  DISK_SECTORS,
  DISKS,
  groupPath,
  GUESTS,
  HostDisks,
} from "../support/host-disks.ts";
import { law } from "../support/law.ts";

const anyStorage = (): fc.Arbitrary<Json> => fc.record({ kind: fc.constantFrom("ssd", "hdd") });

const anyGroups = (): fc.Arbitrary<readonly GroupFiles[]> =>
  fc.constantFrom<readonly GroupFiles[]>(
    [],
    [{ "io.weight": "1" }, { "io.weight": "8:0 500" }],
    [{ "io.max": "8:0 rbps=1000000 wiops=100" }],
    [{ "io.max": "8:0 wbps=300000" }, { "io.max": "8:0 riops=50" }],
  );

const anyThrottling = (): fc.Arbitrary<Json> =>
  fc.constantFrom<Json>(
    [],
    [{ disks: [0, 1], limits: { "bps-total": { avg: 500_000 } } }],
    [{ disks: [1], limits: { "iops-total": { avg: 60, max: 200, length: 2 } } }],
  );

const anySteps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      driver: fc.nat(GUESTS * DISKS - 1),
      gap: fc.constantFrom(0, 0, 3000, 400_000, 30_000_000),
      type: fc.constantFrom(0 as const, 1 as const, 1 as const, 4 as const),
      sector: fc.nat(DISK_SECTORS - 64),
      count: fc.constantFrom(1, 8, 64),
      tag: fc.integer({ min: 1, max: 255 }),
    }),
    { minLength: 1, maxLength, size: "max" },
  );

law("a-disk-on-a-host-is-a-disk", {
  says: "Whatever limits, shares and throttle groups stand between, each request of a guest is answered once and with success, a read not before the disk has had its time, a read that waited for what was asked before gives what was written last, and no guest sees another's data.",
  cites: "VIRTIO 1.2, Block Device; QEMU, docs/throttle.txt; Linux, cgroup-v2.rst, IO",
  forAll: {
    storage: anyStorage(),
    groups: anyGroups(),
    throttling: anyThrottling(),
    steps: anySteps(25),
  },
  runs: 40,
  holds: ({ storage, groups, throttling, steps }) => {
    const bench = new HostDisks({ storage, groups, throttling, faults: [] });
    const models = bench.drivers.map(() => new Uint8Array(DISK_SECTORS));
    const waiting = bench.drivers.map(() => new Set<number>());
    for (const { driver, gap, ...asked } of steps) {
      const one = bench.drivers[driver];
      const model = models[driver];
      const own = waiting[driver];
      if (one === undefined || model === undefined || own === undefined)
        throw new Error("no such driver");
      bench.world.runUntil(bench.world.now + gap);
      collect(bench, waiting);
      // What lies on the same sectors is to be done first.
      if (own.size > 0) finish(bench, waiting);
      const head = one.ask(asked);
      own.add(head);
      const start = bench.world.now;
      const { type, sector, count, tag } = asked;
      if (type === 1) model.fill(tag, sector, sector + count);
      if (type !== 0) continue;
      finish(bench, waiting);
      if (bench.world.now - start < READ_CYCLES) throw new Error("it is read too soon");
      const { data } = one.outcome(head);
      if (data.some((byte, i) => byte !== model[sector + Math.floor(i / 512)]))
        throw new Error(`sector ${sector} of ${driver} reads otherwise`);
    }
    finish(bench, waiting);
    bench.world.release();
  },
});

law("limits-hold-for-guests", {
  says: "What a guest whose disks share a throttle group, or whose control group is limited, was answered in all takes no less time than the limit gives for it beyond its burst and one request.",
  cites: "QEMU, docs/throttle.txt; Linux, cgroup-v2.rst, io.max",
  forAll: {
    isHost: fc.boolean(),
    rate: fc.constantFrom(200_000, 2_000_000),
    count: fc.integer({ min: 4, max: 20 }),
    sizes: fc.array(fc.constantFrom(8, 64), { minLength: 20, maxLength: 20 }),
    changesAt: fc.nat(9_000_000),
  },
  runs: 30,
  holds: ({ isHost, rate, count, sizes, changesAt }) => {
    const limits = { "bps-total": { avg: rate } };
    const throttling = [{ disks: [0, 1], limits: isHost ? {} : limits }];
    const bench = new HostDisks({ storage: {}, groups: [], throttling, faults: [] });
    bench.world.runUntil(changesAt);
    if (isHost)
      bench.world.input("host.cgroups", "write", {
        path: groupPath(0),
        file: "io.max",
        text: `8:0 wbps=${rate}`,
      });
    const start = bench.world.now;
    let bytes = 0;
    const waiting = bench.drivers.map(() => new Set<number>());
    for (let i = 0; i < count; i += 1) {
      const size = sizes[i] ?? 8;
      bytes += 512 * size;
      const head = bench.drivers[i % DISKS]?.ask({ type: 1, sector: 0, count: size, tag: 1 });
      waiting[i % DISKS]?.add(head ?? -1);
    }
    finish(bench, waiting);
    const seconds = (bench.world.now - start) / 1e9;
    const burst = Math.max(rate / 10, isHost ? 64 * 512 : 0) + 64 * 512;
    bench.world.release();
    if (bytes > rate * seconds + burst) throw new Error(`${bytes} bytes in ${seconds} s`);
  },
});

law("a-power-cut-takes-what-was-not-flushed", {
  says: "When the host loses power, every guest ends or begins anew, and nothing that it asked for is done any more; of each sector the disk holds, for good, what was there at the last flush that was answered before, or something written since; and the disks of those that begin anew work.",
  cites: "Linux, Documentation/block/writeback_cache_control.rst; DESIGN, Faults",
  forAll: {
    storage: anyStorage(),
    groups: anyGroups(),
    steps: anySteps(20),
    at: fc.integer({ min: 1, max: 90_000_000 }),
    reboots: fc.boolean(),
  },
  runs: 60,
  holds: ({ storage, groups, steps, at, reboots }) => {
    const faults = [{ time: at, target: "disk", kind: "power-cut" }];
    const bench = new HostDisks({ storage, groups, throttling: [], faults, reboots });
    const versions = bench.drivers.map(() =>
      Array.from({ length: DISK_SECTORS }, (): number[] => [0]),
    );
    /** What is on its way: when a flush is answered, what was answered before it was asked is safe. */
    const flights = bench.drivers.map(() => new Map<number, Asked & { safe: number[] }>());
    const answered = (driver: number, head: number): void => {
      const flight = flights[driver]?.get(head);
      flights[driver]?.delete(head);
      if (flight?.type !== 4) return;
      versions[driver]?.forEach((known, sector) => known.splice(0, flight.safe[sector] ?? 0));
    };
    const collectAll = (): void => {
      bench.drivers.forEach((one, driver) => {
        for (const head of one.answers()) answered(driver, head);
      });
    };
    for (const { driver, gap, ...asked } of steps) {
      if (bench.world.now + gap >= at) break;
      bench.world.runUntil(bench.world.now + gap);
      collectAll();
      // One request of a disk at a time, so that the order of its writes is known.
      if ((flights[driver]?.size ?? 0) > 0) continue;
      const head = bench.drivers[driver]?.ask(asked) ?? -1;
      const own = versions[driver] ?? [];
      const safe = own.map((known) => known.length - 1);
      flights[driver]?.set(head, { ...asked, safe });
      if (asked.type === 1)
        for (let i = 0; i < asked.count; i += 1) own[asked.sector + i]?.push(asked.tag);
    }
    bench.world.runUntil(at);
    collectAll();
    bench.world.runUntil(at + 1);
    const memory = bench.drivers.map((one) => one.memory());
    bench.drivers.forEach((_, driver) => {
      const disk = bench.disks[Math.floor(driver / DISKS)]?.[driver % DISKS];
      versions[driver]?.forEach((known, sector) => {
        const [value = -1, ...rest] = disk?.read(sector, 1) ?? [];
        if (rest.some((byte) => byte !== value)) throw new Error("a sector is torn");
        if (!known.includes(value)) throw new Error(`sector ${sector} is ${value}`);
      });
    });
    const disks = bench.disks.flat();
    const before = disks.map((disk) => disk.read(0, DISK_SECTORS));
    // Another cut finds nothing that is not safe.
    for (const disk of disks) disk.powerCut(new RandomStreams("again").stream("power"));
    bench.world.runUntil(at + 200_000_000);
    const isStill =
      bench.drivers.every((one, i) => isSame(one.memory(), memory[i])) &&
      disks.every((disk, i) => isSame(disk.read(0, DISK_SECTORS), before[i]));
    if (reboots) writeAgain(bench);
    const { ends } = bench;
    bench.world.release();
    return isStill && ends.join() === (reboots ? "" : "power-cut,power-cut");
  },
});

law("a-guest-that-resets-leaves-nothing-behind", {
  says: "However often a guest asks its disks for much and resets them, nothing that it asked for before waits anywhere but what the disk has in its hands; and the next request is answered.",
  cites: "VIRTIO 1.2, Device Reset; DESIGN, What bad input gets",
  forAll: {
    storage: anyStorage(),
    groups: anyGroups(),
    throttling: anyThrottling(),
    resets: fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(100_000)), {
      minLength: 1,
      maxLength: 12,
    }),
  },
  runs: 25,
  holds: ({ storage, groups, throttling, resets }) => {
    const bench = new HostDisks({ storage, groups, throttling, faults: [] });
    const [one] = bench.drivers;
    if (one === undefined) throw new Error("there is a driver");
    const ask = (): number => one.ask({ type: 1, sector: 0, count: 8, tag: 1 });
    for (const [count, time] of resets) {
      for (let i = 0; i < count; i += 1) ask();
      bench.world.runUntil(bench.world.now + time);
      one.restart();
    }
    const kept = JSON.stringify(bench.stateOf(["disk", "m0.throttle", "m0.io"]));
    const left = kept.match(/"kind":"write"/g)?.length ?? 0;
    if (left > MOST_IN_HAND) throw new Error(`${left} requests are left`);
    finish(bench, [new Set([ask()])]);
    bench.world.release();
  },
});

law("a-host-with-busy-disks-can-be-copied", {
  says: "A fork and a snapshot of a host whose disks are in the middle of their work go on as the original.",
  cites: "DESIGN, State is data",
  forAll: {
    storage: anyStorage(),
    groups: anyGroups(),
    throttling: anyThrottling(),
    steps: anySteps(20),
    elapsed: fc.nat(3_000_000),
  },
  runs: 25,
  holds: ({ storage, groups, throttling, steps, elapsed }) => {
    const bench = new HostDisks({ storage, groups, throttling, faults: [] });
    const { world } = bench;
    for (const { driver, gap: _, ...asked } of steps) bench.drivers[driver]?.ask(asked);
    world.runUntil(elapsed);
    const snapshot = world.snapshot();
    const fork = world.fork();
    const end = elapsed + 500_000_000;
    world.runUntil(end);
    const wanted = world.digest();
    world.restore(snapshot);
    const digests = [world, fork].map((one) => {
      one.runUntil(end);
      return one.digest();
    });
    world.release();
    fork.release();
    return digests.every((digest) => digest === wanted);
  },
});

// Helpers

/** Of the fast disk. */
const MOST_IN_HAND = 32;
/** What the fastest disk takes for a read. */
const READ_CYCLES = 80_000;

interface Step extends Asked {
  readonly driver: number;
  readonly gap: number;
}

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);

/** All disks take a write, and a flush. */
function writeAgain(bench: HostDisks): void {
  const waiting = bench.drivers.map((one) => {
    one.restart();
    const write = one.ask({ type: 1, sector: 7, count: 2, tag: 0x77 });
    return new Set([write, one.ask({ type: 4, sector: 0, count: 0, tag: 0 })]);
  });
  finish(bench, waiting);
  for (const disk of bench.disks.flat())
    if (disk.read(7, 2).some((byte) => byte !== 0x77)) throw new Error("it is not written");
}

/** Takes the answers; each was waited for and says OK. */
function collect({ drivers }: HostDisks, waiting: readonly Set<number>[]): void {
  drivers.forEach((one, driver) => {
    for (const head of one.answers()) {
      if (waiting[driver]?.delete(head) !== true) throw new Error(`${head} is answered twice`);
      const { status } = one.outcome(head);
      if (status !== 0) throw new Error(`${head} has status ${status}`);
    }
  });
}

/** Lets time pass until all is answered. */
function finish(bench: HostDisks, waiting: readonly Set<number>[]): void {
  const { world } = bench;
  const end = world.now + 100_000_000_000;
  collect(bench, waiting);
  while (waiting.some(({ size }) => size > 0)) {
    if (world.nextTime > end) throw new Error("something is never answered");
    world.runUntil(world.nextTime + 1);
    collect(bench, waiting);
  }
}
