/** Laws of the host's disks: limits, shares and service. */

import fc from "fast-check";
import {
  blockDeadline,
  type BlockLayer,
  type Completion,
  newBlockLayer,
  settleBlocks,
  submit,
} from "../../src/linux/block/block-layer.ts";
import { newDisk, serviceTime, startService, takeServed } from "../../src/linux/block/disk.ts";
import {
  changeIoMax,
  type IoMax,
  ioMaxDeadline,
  newThrottled,
  release,
  type Throttled,
  throttle,
} from "../../src/linux/block/io-max.ts";
import {
  changeShare,
  dequeueShare,
  enqueueShare,
  newShares,
} from "../../src/linux/block/io-weight.ts";
import type { BlockRequest } from "../../src/linux/block/request.ts";
import { firstDifference } from "../../src/sim/data.ts";
import {
  anyArrivals,
  anyDisk,
  anyGroups,
  anyIoMax,
  type Arrival,
  requestOf,
} from "../support/block-layer.ts";
import { law } from "../support/law.ts";

law("io-max-is-never-exceeded-and-never-idles", {
  says: "Requests of a direction go on in their order, none is lost; their bytes and their number in any time are at most what the limit gives, a tenth of a second's worth and one request beyond; one beyond the tenth is paid for from its arrival on; and none waits longer behind another than its own bytes and itself take at the limits.",
  cites: 'Linux, Documentation/admin-guide/cgroup-v2.rst, "io.max"; Firecracker, Rate limiting',
  forAll: { limits: anyIoMax(), arrivals: anyArrivals() },
  runs: 300,
  holds: ({ limits, arrivals }) => {
    const throttled = newThrottled(limits);
    const { arrived, left } = throttleAll(throttled, arrivals, 0, 0, "to the end");
    if (left.length !== arrivals.length) throw new Error("one is lost");
    checkLimits(limits, left);
    for (const direction of ["read", "write"] as const) {
      const [bps, iops] = ratesOf(limits, direction);
      let before = 0;
      let lastId = -1;
      for (const { request, at } of left.filter((one) => directionOf(one.request) === direction)) {
        if (request.id < lastId) throw new Error(`${request.id} overtakes`);
        lastId = request.id;
        const free = Math.max(before, arrived[request.id] ?? 0);
        const longest = Math.max(charge(request) / bps, 1 / iops) * 1e9;
        if (at > free + Math.ceil(longest + 1e-3)) throw new Error(`${request.id} waits too long`);
        const beyond = (charge(request) / bps - 0.1) * 1e9;
        if (at + 1e-3 < (arrived[request.id] ?? 0) + beyond)
          throw new Error(`${request.id} is not paid for`);
        before = at;
      }
    }
  },
});

law("io-max-may-change", {
  says: "From the moment at which a group gets other limits they hold for all that goes on, and what waited is not lost.",
  cites: 'Linux, Documentation/admin-guide/cgroup-v2.rst, "io.max"',
  forAll: { first: anyIoMax(), second: anyIoMax(), arrivals: anyArrivals(), more: anyArrivals() },
  runs: 200,
  holds: ({ first, second, arrivals, more }) => {
    const throttled = newThrottled(first);
    const before = throttleAll(throttled, arrivals, 0, 0, "no longer");
    changeIoMax(throttled, second, before.now);
    const after = throttleAll(throttled, more, before.now, arrivals.length, "to the end");
    checkLimits(second, after.left);
    return before.left.length + after.left.length === arrivals.length + more.length;
  },
});

law("the-disk-is-shared-by-weight", {
  says: "While a group is never without a request, no other is given more time than it, each divided by its weight, but for the longest request of each divided by its weight, also one that comes and goes; a group's requests go in their order, and while any waits one goes.",
  cites: 'Goyal, Vin and Cheng, "Start-time fair queueing", Theorem 1; cgroup-v2.rst, "io.weight"',
  forAll: {
    weights: fc.array(fc.constantFrom(1, 2, 50, 100, 10_000), { minLength: 2, maxLength: 4 }),
    steps: fc.array(
      fc.record({ group: fc.nat(3), cost: fc.integer({ min: 1, max: 5000 }), takes: fc.nat(2) }),
      { minLength: 10, maxLength: 120, size: "max" },
    ),
    crowd: fc.nat(40),
    change: fc.option(fc.tuple(fc.nat(3), fc.constantFrom(1, 7, 300)), { nil: null }),
  },
  runs: 200,
  holds: ({ weights, steps, crowd, change }) => {
    const bench = new ShareBench(weights);
    for (let i = 0; i < crowd; i += 1)
      weights.forEach((_, group) => bench.add(group, steps[i % steps.length]?.cost ?? 1));
    for (const { group, cost, takes } of steps) {
      bench.add(group % weights.length, cost);
      for (let i = 0; i < takes; i += 1) bench.take();
    }
    if (change !== null) bench.setWeight(change[0] % weights.length, change[1]);
    while (bench.waiting > 0) bench.take();
    return bench.take() === null;
  },
});

law("a-disk-takes-its-time", {
  says: "A disk carries no more bytes in any time than its rate gives and one request; each request takes its kind's time, a forced one that of a flush too, and on a turning disk a seek between the shortest and the longest, longer for a longer way; none is done twice.",
  cites: 'Ruemmler and Wilkes, "An introduction to disk drive modeling"',
  forAll: {
    disk: anyDisk(),
    arrivals: anyArrivals(),
    way: fc.tuple(fc.nat(90_000), fc.nat(90_000)),
  },
  runs: 200,
  holds: ({ disk: parameters, arrivals, way }) => {
    const disk = newDisk(parameters);
    const { fixed, bytesPerSecond, seek } = parameters;
    const taken: { bytes: number; at: number; done: number }[] = [];
    let now = 0;
    let head = 0;
    arrivals.forEach((arrival, id) => {
      now += arrival.gap;
      const request = requestOf(id, arrival);
      startService(disk, request, now);
      const done = disk.flight.find((one) => one.request.id === id)?.at ?? 0;
      const other = fixed[request.kind] + (request.isForced ? fixed.flush : 0);
      const bytes = request.kind === "discard" ? 0 : request.bytes;
      const isStill = seek === null || request.kind === "flush" || request.sector === head;
      const [least, most] = isStill ? [0, 0] : [seek.shortest, seek.longest];
      if (request.kind !== "flush") head = request.sector + request.bytes / 512;
      const carried = (bytes / bytesPerSecond) * 1e9;
      if (done - now + 1e-3 < carried + other + least) throw new Error(`${id} is done too soon`);
      const waits = Math.max(0, ...taken.map((one) => one.done)) - now;
      if (done - now > Math.max(0, waits) + Math.ceil(carried) + other + most)
        throw new Error(`${id} takes too long`);
      taken.push({ bytes, at: now, done: done - other });
    });
    taken.forEach((first, i) => {
      const sum = taken.slice(i).reduce((bytes, one) => bytes + one.bytes, 0);
      const end = Math.max(...taken.slice(i).map(({ done }) => done));
      if ((sum / bytesPerSecond) * 1e9 > end - first.at + 1e-3) throw new Error("too fast");
    });
    const ids = takeServed(disk, Infinity).map(({ id }) => id);
    const seekOf = (sector: number): number => {
      disk.head = 0;
      return serviceTime(disk, { ...READ, sector });
    };
    const [near, far] = way.toSorted((a, b) => a - b) as [number, number];
    return (
      new Set(ids).size === arrivals.length &&
      ids.length === arrivals.length &&
      seekOf(near) <= seekOf(far)
    );
  },
});

law("every-request-is-done-once", {
  says: "Each request that a disk of a host is asked for is completed exactly once, not before it was asked, by a disk that never has more in its hands than it can; while the disk has room nothing waits but for its limits; and a layer that is stopped on the way and copied does the same at the same times.",
  cites: "DESIGN, State is data; Linux, Documentation/block/",
  forAll: {
    disk: anyDisk(),
    groups: anyGroups(),
    arrivals: anyArrivals(),
    stop: fc.nat(2_000_000_000),
  },
  runs: 200,
  holds: ({ disk, groups, arrivals, stop }) => {
    const layer = newBlockLayer(disk, groups);
    const out: Completion[] = [];
    const asked: number[] = [];
    let now = 0;
    arrivals.forEach((arrival, id) => {
      now += arrival.gap;
      out.push(...settleBlocks(layer, now));
      submit(layer, requestOf(id, arrival), now);
      asked.push(now);
      out.push(...settleBlocks(layer, now));
      checkBusy(layer);
    });
    const copy: BlockLayer = structuredClone(layer);
    const rest = finish(layer);
    const first = settleBlocks(copy, now + stop);
    const parts = [...first, ...finish(structuredClone(copy))];
    const difference = firstDifference(plain(rest), plain(parts));
    if (difference !== null) throw new Error(`${difference.path} differs`);
    out.push(...rest);
    for (const { request, at } of out)
      if (at < (asked[request.id] ?? Infinity)) throw new Error(`${request.id} is done too soon`);
    const ids = new Set(out.map(({ request }) => request.id));
    return ids.size === arrivals.length && out.length === arrivals.length;
  },
});

// Helpers

const READ: BlockRequest = {
  id: 0,
  group: 0,
  kind: "read",
  sector: 0,
  bytes: 512,
  isForced: false,
};

const directionOf = ({ kind }: BlockRequest): "read" | "write" =>
  kind === "read" ? "read" : "write";

const ratesOf = (limits: IoMax, direction: "read" | "write"): readonly [number, number] =>
  direction === "read" ? [limits.rbps, limits.riops] : [limits.wbps, limits.wiops];

/** "blk-throttle assumes a discard is one sector". */
const charge = ({ kind, bytes }: BlockRequest): number =>
  kind === "discard" ? Math.min(512, bytes) : bytes;

interface Throttling {
  readonly arrived: readonly number[];
  readonly left: Completion[];
  readonly now: number;
}

/** Offers requests at their times and lets each go on when it may. */
function throttleAll(
  throttled: Throttled,
  arrivals: readonly Arrival[],
  start: number,
  firstId: number,
  end: "to the end" | "no longer",
): Throttling {
  const left: Completion[] = [];
  const arrived: number[] = [];
  let now = start;
  const drain = (limit: number): void => {
    for (
      let due = ioMaxDeadline(throttled);
      due !== null && due <= limit;
      due = ioMaxDeadline(throttled)
    ) {
      now = Math.max(due, now);
      const request = release(throttled, now);
      if (request === null) throw new Error(`nothing goes on at ${now}`);
      left.push({ request, at: now });
    }
  };
  arrivals.forEach((arrival, i) => {
    const at = now + arrival.gap;
    drain(at);
    now = at;
    arrived[firstId + i] = at;
    throttle(throttled, requestOf(firstId + i, arrival), at);
    drain(at);
  });
  if (end === "to the end") drain(Infinity);
  return { arrived, left, now };
}

function checkLimits(limits: IoMax, left: readonly Completion[]): void {
  for (const direction of ["read", "write"] as const) {
    const [bps, iops] = ratesOf(limits, direction);
    const own = left.filter(({ request }) => directionOf(request) === direction);
    own.forEach((first, i) => {
      let [bytes, count, longest] = [0, 0, 0];
      for (const { request, at } of own.slice(i)) {
        bytes += charge(request);
        count += 1;
        longest = Math.max(longest, charge(request));
        const seconds = (at - first.at) / 1e9;
        // A request beyond the burst takes the place of the burst.
        if (bytes > bps * seconds + Math.max(bps / 10, longest) + 1e-3)
          throw new Error(`${bytes} bytes from ${first.at} to ${at}`);
        if (count > iops * seconds + Math.max(iops / 10, 1) + 1e-3)
          throw new Error(`${count} requests from ${first.at} to ${at}`);
      }
    });
  }
}

function checkBusy({ shares, disk }: BlockLayer): void {
  if (disk.flight.length > disk.parameters.depth) throw new Error("more than the disk takes");
  const waits = shares.groups.some(({ queue }) => queue.length > 0);
  if (waits && disk.flight.length < disk.parameters.depth) throw new Error("the disk idles");
}

function finish(layer: BlockLayer): readonly Completion[] {
  const out: Completion[] = [];
  for (let at = blockDeadline(layer); at !== null; at = blockDeadline(layer)) {
    out.push(...settleBlocks(layer, at));
    checkBusy(layer);
  }
  return out;
}

const plain = (list: readonly Completion[]): { id: number; at: number }[] =>
  list.map(({ request, at }) => ({ id: request.id, at }));

/** Gives time, and compares each group with the others over every stretch in which it was never without a request. */
class ShareBench {
  readonly #shares;
  readonly #weights: number[];
  readonly #waiting: number[][];
  #ids = 0;
  /** By a group that is never without a request and another: how far the other is ahead, and was at least. */
  readonly #ahead = new Map<string, { least: number; now: number }>();
  /** By group, what its longest request costs. */
  readonly #longest: number[] = [];

  constructor(weights: readonly number[]) {
    this.#shares = newShares(weights);
    this.#weights = [...weights];
    this.#waiting = weights.map(() => []);
  }

  get waiting(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  setWeight(group: number, weight: number): void {
    changeShare(this.#shares, group, weight);
    this.#weights[group] = weight;
    this.#ahead.clear();
  }

  add(group: number, cost: number): void {
    const id = (this.#ids += 1);
    enqueueShare(this.#shares, { ...READ, id, group, bytes: cost });
    this.#waiting[group]?.push(id);
    this.#longest[group] = Math.max(this.#longest[group] ?? 0, cost);
  }

  take(): BlockRequest | null {
    const busy = this.#waiting.map(({ length }) => length > 0);
    const request = dequeueShare(this.#shares, ({ bytes }) => bytes);
    if (request === null) {
      if (busy.includes(true)) throw new Error("it idles");
      return null;
    }
    const { group, id, bytes } = request;
    if (this.#waiting[group]?.shift() !== id) throw new Error("out of order");
    this.#weights.forEach((_, other) => {
      if (other === group) return;
      this.#count(group, other, -bytes, group);
      if (busy[other] === true) this.#count(other, group, bytes, group);
    });
    this.#weights.forEach((_, one) => {
      if ((this.#waiting[one]?.length ?? 0) > 0) return;
      for (const key of this.#ahead.keys()) if (key.startsWith(`${one} `)) this.#ahead.delete(key);
    });
    return request;
  }

  #count(busy: number, other: number, cost: number, served: number): void {
    const key = `${busy} ${other}`;
    const pair = this.#ahead.get(key) ?? { least: 0, now: 0 };
    pair.now += cost / (this.#weights[served] ?? 1);
    pair.least = Math.min(pair.least, pair.now);
    this.#ahead.set(key, pair);
    const longest = (one: number): number => (this.#longest[one] ?? 0) / (this.#weights[one] ?? 1);
    if (pair.now - pair.least > longest(busy) + longest(other) + 1e-6)
      throw new Error(`group ${other} is ${pair.now - pair.least} ahead of ${busy}`);
  }
}
