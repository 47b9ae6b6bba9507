/** Laws of throttle groups. */

import fc from "fast-check";
import {
  addToGroup,
  changeGroup,
  groupDeadline,
  LIMIT_NAMES,
  type LeakyLimit,
  type LimitName,
  newThrottleGroup,
  takeFromGroup,
  type ThrottledRequest,
  type ThrottleGroup,
  type ThrottleLimits,
} from "../../src/qemu/throttle.ts";
import { law } from "../support/law.ts";
import { anyGap } from "../support/net.ts";

const MEMBERS = 3;

law("a-throttle-group-keeps-its-limits", {
  says: "A request goes when, and as soon as, no limit of its direction is over its brim: in any time what went is at most the average's worth and the bucket, or the burst's worth and a tenth of it, and one request beyond; each member's requests of a direction go in their order, and none is lost.",
  cites: "QEMU, docs/throttle.txt",
  forAll: { limits: anyLimits(), arrivals: anyArrivals() },
  runs: 300,
  holds: ({ limits, arrivals }) => {
    const group = newThrottleGroup<Request>(limits, MEMBERS);
    const { gone } = run(group, arrivals, 0, "to the end");
    checkWindows(limits, gone);
    checkTimes(limits, gone);
    return gone.length === arrivals.length && areInOrder(gone);
  },
});

law("members-of-a-group-take-turns", {
  says: "While two members of a group always have requests of a direction, they go by turns.",
  cites: "QEMU, docs/throttle.txt; block/throttle-groups.c: round robin",
  forAll: {
    limits: anyLimits(),
    counts: fc.array(fc.nat(12), { minLength: MEMBERS, maxLength: MEMBERS }),
    kind: fc.constantFrom("read" as const, "write" as const),
  },
  holds: ({ limits, counts, kind }) => {
    const group = newThrottleGroup<Request>(limits, MEMBERS);
    const most = Math.max(...counts);
    let id = 0;
    for (let i = 0; i < most; i += 1)
      counts.forEach((count, member) => {
        if (i >= count) return;
        addToGroup(group, member, { id, member, kind, bytes: 4096, arrived: 0 }, 0);
        id += 1;
      });
    const left = [...counts];
    const served = counts.map(() => 0);
    for (const { request } of drain(group, 0)) {
      served[request.member] = (served[request.member] ?? 0) + 1;
      left[request.member] = (left[request.member] ?? 0) - 1;
      const busy = served.filter((_, member) => (left[member] ?? 0) > 0);
      if (busy.length > 0 && Math.max(...served) - Math.min(...busy) > 1)
        throw new Error(`served ${served.join()} of ${counts.join()}`);
    }
    return left.every((count) => count === 0);
  },
});

law("both-directions-go-on", {
  says: "While both reads and writes wait for a limit that they share, they go by turns.",
  cites: "QEMU, docs/throttle.txt: bps-total, iops-total",
  forAll: { avg: fc.constantFrom(1000, 1_000_000), count: fc.integer({ min: 2, max: 10 }) },
  holds: ({ avg, count }) => {
    const group = newThrottleGroup<Request>({ "bps-total": { avg, max: 0, length: 1 } }, 1);
    for (let id = 0; id < 2 * count; id += 1)
      addToGroup(
        group,
        0,
        { id, member: 0, kind: id < count ? "read" : "write", bytes: 512, arrived: 0 },
        0,
      );
    const kinds = drain(group, 0).map(({ request }) => request.kind);
    return kinds.every((kind, i) => i === 0 || kind !== kinds[i - 1]);
  },
});

law("limits-of-a-group-may-change", {
  says: "From the moment at which a group gets other limits they hold for all that goes on, which goes as soon as they allow, and nothing is lost.",
  cites: "QEMU, QMP: block_set_io_throttle",
  forAll: {
    first: anyLimits(),
    second: anyLimits(),
    arrivals: anyArrivals(),
    more: anyArrivals(),
  },
  holds: ({ first, second, arrivals, more }) => {
    const group = newThrottleGroup<Request>(first, MEMBERS);
    const before = run(group, arrivals, 0, "no longer");
    changeGroup(group, second, before.now);
    const after = run(group, more, before.now, "to the end");
    checkWindows(second, after.gone);
    checkTimes(second, after.gone, before.now);
    return before.gone.length + after.gone.length === arrivals.length + more.length;
  },
});

// Helpers

interface Request extends ThrottledRequest {
  readonly id: number;
  readonly member: number;
  readonly arrived: number;
}

interface Gone {
  readonly request: Request;
  readonly at: number;
}

interface Arrival {
  readonly gap: number;
  readonly member: number;
  readonly kind: "read" | "write" | "flush";
  readonly bytes: number;
}

function anyLimits(): fc.Arbitrary<ThrottleLimits> {
  const limit = (...averages: readonly number[]): fc.Arbitrary<LeakyLimit> =>
    fc
      .record({
        avg: fc.constantFrom(...averages),
        factor: fc.constantFrom(0, 1, 3),
        length: fc.constantFrom(1, 2, 10),
      })
      .map(({ avg, factor, length }) => ({ avg, max: avg * factor, length }));
  const bytes = limit(10_007, 4_000_000);
  const requests = limit(3, 500);
  return fc.record(
    {
      "bps-total": bytes,
      "bps-read": bytes,
      "bps-write": bytes,
      "iops-total": requests,
      "iops-read": requests,
      "iops-write": requests,
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<ThrottleLimits>;
}

function anyArrivals(): fc.Arbitrary<Arrival[]> {
  return fc.array(
    fc.record({
      gap: anyGap(),
      member: fc.nat(MEMBERS - 1),
      kind: fc.constantFrom("read" as const, "write" as const, "flush" as const),
      bytes: fc.constantFrom(512, 4096, 1_000_000),
    }),
    { minLength: 1, maxLength: 30, size: "max" },
  );
}

function drain(group: ThrottleGroup<Request>, from: number, limit = Infinity): Gone[] {
  const gone: Gone[] = [];
  let now = from;
  for (let due = groupDeadline(group); due !== null && due <= limit; due = groupDeadline(group)) {
    now = Math.max(now, due);
    const request = takeFromGroup(group, now);
    if (request === null) throw new Error(`nothing goes at ${now}`);
    gone.push({ request, at: now });
  }
  return gone;
}

function run(
  group: ThrottleGroup<Request>,
  arrivals: readonly Arrival[],
  start: number,
  end: "to the end" | "no longer",
): { readonly gone: readonly Gone[]; readonly now: number } {
  const gone: Gone[] = [];
  let now = start;
  arrivals.forEach(({ gap, member, kind, bytes }, id) => {
    gone.push(...drain(group, now, now + gap));
    now += gap;
    const size = kind === "flush" ? 0 : bytes;
    addToGroup(group, member, { id, member, kind, bytes: size, arrived: now }, now);
    gone.push(...drain(group, now, now));
  });
  if (end === "to the end") gone.push(...drain(group, now));
  return { gone, now };
}

const counts = (name: LimitName, { kind }: Request): boolean =>
  name.endsWith("total") || name.endsWith("read") === (kind === "read");

const unitsOf = (name: LimitName, { bytes }: Request): number =>
  name.startsWith("bps") ? bytes : 1;

const isLike =
  ({ request }: Gone) =>
  (other: Gone): boolean =>
    (other.request.kind === "read") === (request.kind === "read");

/** The level of a leaky bucket is the most by which any time up to now has brought more than leaks in it. */
function isOverBrim(
  limits: ThrottleLimits,
  name: LimitName,
  before: readonly Gone[],
  { request, at: time }: Gone,
  slack: number,
): boolean {
  const limit = limits[name];
  if (limit === undefined || !counts(name, request)) return false;
  const own = before.filter((one) => counts(name, one.request));
  const level = (rate: number): number => {
    let [sum, most] = [0, 0];
    for (const { request: one, at } of own.toReversed()) {
      sum += unitsOf(name, one);
      most = Math.max(most, sum - (rate * (time - at)) / 1e9);
    }
    return most;
  };
  const { avg, max, length } = limit;
  if (level(avg) > (max === 0 ? avg / 10 : max * length) + slack) return true;
  return max > 0 && length > 1 && level(max) > max / 10 + slack;
}

function checkWindows(limits: ThrottleLimits, gone: readonly Gone[]): void {
  for (const [key, limit] of Object.entries(limits)) {
    const name = key as LimitName;
    const { avg, max, length } = limit;
    const own = gone.filter(({ request }) => counts(name, request));
    own.forEach((first, i) => {
      let units = 0;
      for (const { request, at } of own.slice(i)) {
        const seconds = (at - first.at) / 1e9;
        // What went before this request; it is the one that may go beyond.
        if (units > avg * seconds + (max === 0 ? avg / 10 : max * length) + 1e-3)
          throw new Error(`${units} of ${name} in ${seconds} s`);
        if (max > 0 && length > 1 && units > max * seconds + max / 10 + 1e-3)
          throw new Error(`a burst of ${units} of ${name} in ${seconds} s`);
        units += unitsOf(name, request);
      }
    });
  }
}

/** Each goes when no limit is over its brim, and not a cycle later. */
function checkTimes(limits: ThrottleLimits, gone: readonly Gone[], start = 0): void {
  gone.forEach((one, i) => {
    const before = gone.slice(0, i);
    const isOver = (time: number, slack: number): boolean =>
      LIMIT_NAMES.some((name) => isOverBrim(limits, name, before, { ...one, at: time }, slack));
    if (isOver(one.at, 1e-3)) throw new Error(`${one.request.id} goes at ${one.at}`);
    const since = Math.max(
      start,
      one.request.arrived,
      ...before.filter(isLike(one)).map(({ at }) => at),
    );
    if (one.at > since && !isOver(one.at - 1, -1e-6))
      throw new Error(`${one.request.id} goes late`);
  });
}

function areInOrder(gone: readonly Gone[]): boolean {
  const last = new Map<string, number>();
  return gone.every(({ request: { id, member, kind } }) => {
    const key = `${member} ${kind === "read"}`;
    const before = last.get(key) ?? -1;
    last.set(key, id);
    return id > before;
  });
}
