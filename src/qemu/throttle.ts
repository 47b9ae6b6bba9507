/**
 * A throttle group: limits that several disks of guests share, turn by turn. QEMU, docs/throttle.txt: a leaky bucket for
 * each limit, which a request fills when it goes and which stops the next one while it is over its brim. Pure functions
 * over plain state. Not modelled: iops-size.
 */

import type { BlockRequest } from "../linux/block/request.ts";
import { CYCLES_PER_SECOND, type Cycles, NEVER } from "../sim/time.ts";

/** What a limit allows: units in a second, more of them for a while, and the seconds that the while lasts. */
export interface LeakyLimit {
  readonly avg: number;
  /** 0 for no burst but a tenth of a second's worth. */
  readonly max: number;
  readonly length: number;
}

export const LIMIT_NAMES = [
  "bps-total",
  "bps-read",
  "bps-write",
  "iops-total",
  "iops-read",
  "iops-write",
] as const;

export type LimitName = (typeof LIMIT_NAMES)[number];

export type ThrottleLimits = Readonly<Partial<Record<LimitName, LeakyLimit>>>;

/** Levels in parts of a unit, of which there are as many as cycles in a second. */
interface Level {
  level: number;
  /** What leaks at the rate of the burst. */
  burstLevel: number;
}

export interface ThrottleGroup<Request extends ThrottledRequest = ThrottledRequest> {
  limits: ThrottleLimits;
  at: Cycles;
  levels: Partial<Record<LimitName, Level>>;
  /** By member, what waits to be read and to be written. */
  members: Record<Direction, Request[]>[];
  /** By direction, whose request went last. */
  last: Record<Direction, number>;
  /** Which direction is asked first. */
  turn: Direction;
}

export type ThrottledRequest = Pick<BlockRequest, "kind" | "bytes">;
type Direction = "read" | "write";

const PARTS = CYCLES_PER_SECOND;
/** The default burst is a part of a second's worth. */
const DEFAULT_BURST = 10;

const LIMITS: Readonly<Record<Direction, readonly LimitName[]>> = {
  read: ["bps-total", "bps-read", "iops-total", "iops-read"],
  write: ["bps-total", "bps-write", "iops-total", "iops-write"],
};

export const newThrottleGroup = <Request extends ThrottledRequest>(
  limits: ThrottleLimits,
  members: number,
): ThrottleGroup<Request> => ({
  limits,
  at: 0,
  levels: {},
  members: Array.from({ length: members }, () => ({ read: [], write: [] })),
  last: { read: 0, write: 0 },
  turn: "read",
});

export function addToGroup<Request extends ThrottledRequest>(
  group: ThrottleGroup<Request>,
  member: number,
  request: Request,
  now: Cycles,
): void {
  leak(group, now);
  group.members[member]?.[directionOf(request)].push(request);
}

/** A request that may go on now, if there is one. Directions, and in each the members, take turns. */
export function takeFromGroup<Request extends ThrottledRequest>(
  group: ThrottleGroup<Request>,
  now: Cycles,
): Request | null {
  leak(group, now);
  for (const direction of [group.turn, other(group.turn)]) {
    const member = nextMember(group, direction);
    if (member === null || waitOf(group, direction) > 0) continue;
    const request = group.members[member]?.[direction].shift();
    if (request === undefined) continue;
    for (const name of LIMITS[direction]) pour(group, name, request);
    group.last[direction] = member;
    group.turn = other(direction);
    return request;
  }
  return null;
}

/** Requests that nobody waits for any more. */
export function dropFromGroup<Request extends ThrottledRequest>(
  { members }: ThrottleGroup<Request>,
  isDropped: (request: Request) => boolean,
): void {
  for (const member of members)
    for (const direction of ["read", "write"] as const)
      member[direction] = member[direction].filter((request) => !isDropped(request));
}

/** When the next request may go on; null when none waits. */
export function groupDeadline(group: ThrottleGroup): Cycles | null {
  const times = (["read", "write"] as const).map((direction) =>
    nextMember(group, direction) === null ? NEVER : group.at + waitOf(group, direction),
  );
  const first = Math.min(...times);
  return first === NEVER ? null : first;
}

/** Other limits from now on; the buckets are empty. */
export function changeGroup(group: ThrottleGroup, limits: ThrottleLimits, now: Cycles): void {
  leak(group, now);
  group.limits = limits;
  group.levels = {};
}

const directionOf = ({ kind }: ThrottledRequest): Direction => (kind === "read" ? "read" : "write");
const other = (direction: Direction): Direction => (direction === "read" ? "write" : "read");

/** The first behind the last one that has something to do. */
function nextMember({ members, last }: ThrottleGroup, direction: Direction): number | null {
  for (let step = 1; step <= members.length; step += 1) {
    const member = (last[direction] + step) % members.length;
    if ((members[member]?.[direction].length ?? 0) > 0) return member;
  }
  return null;
}

function leak(group: ThrottleGroup, now: Cycles): void {
  const elapsed = Math.max(0, now - group.at);
  group.at += elapsed;
  for (const [name, limit] of Object.entries(group.limits)) {
    const level = group.levels[name as LimitName];
    if (level === undefined) continue;
    level.level = Math.max(level.level - limit.avg * elapsed, 0);
    level.burstLevel = Math.max(level.burstLevel - limit.max * elapsed, 0);
  }
}

function pour(group: ThrottleGroup, name: LimitName, { bytes }: ThrottledRequest): void {
  if (group.limits[name] === undefined) return;
  const units = (name.startsWith("bps") ? bytes : 1) * PARTS;
  const level = (group.levels[name] ??= { level: 0, burstLevel: 0 });
  level.level += units;
  level.burstLevel += units;
}

/** How long until all limits of a direction let a request through. */
function waitOf({ limits, levels }: ThrottleGroup, direction: Direction): Cycles {
  const waits = LIMITS[direction].map((name) => {
    const limit = limits[name];
    const level = levels[name];
    if (limit === undefined || level === undefined) return 0;
    const { avg, max, length } = limit;
    const brim = max === 0 ? avg / DEFAULT_BURST : max * length;
    const wait = timeOver(level.level - brim * PARTS, avg);
    const burstWait =
      max > 0 && length > 1 ? timeOver(level.burstLevel - (max / DEFAULT_BURST) * PARTS, max) : 0;
    return Math.max(wait, burstWait);
  });
  return Math.max(...waits);
}

const timeOver = (excess: number, rate: number): Cycles => Math.max(0, Math.ceil(excess / rate));
