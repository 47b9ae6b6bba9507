/**
 * The limits of a control group's use of a disk: bytes and requests in a second, for reads and for writes. Linux,
 * Documentation/admin-guide/cgroup-v2.rst, "io.max"; block/blk-throttle.c, whose slice of a tenth of a second is the
 * burst here. A request beyond the burst waits until all of it is paid for. Pure functions over plain state.
 */

import { type Cycles, NEVER } from "../../sim/time.ts";
import { fill, has, newBucket, readyAt, spend, type TokenBucket } from "../token-bucket.ts";
import { type BlockRequest, chargedBytes } from "./request.ts";

/** In a second; Infinity for no limit. */
export interface IoMax {
  readonly rbps: number;
  readonly wbps: number;
  readonly riops: number;
  readonly wiops: number;
}

export const NO_IO_MAX: IoMax = { rbps: NEVER, wbps: NEVER, riops: NEVER, wiops: NEVER };

/** Requests of one direction, in their order. */
interface Lane {
  bytes: TokenBucket;
  requests: TokenBucket;
  queue: BlockRequest[];
}

export interface Throttled {
  limits: IoMax;
  read: Lane;
  write: Lane;
}

/** A part of a second: so much may come at once. */
const SLICES = 10;
const DIRECTIONS = ["read", "write"] as const;

export const newThrottled = (limits: IoMax = NO_IO_MAX): Throttled => ({
  limits,
  read: newLane(limits.rbps, limits.riops, 0),
  write: newLane(limits.wbps, limits.wiops, 0),
});

export function throttle(throttled: Throttled, request: BlockRequest, now: Cycles): void {
  const direction = request.kind === "read" ? "read" : "write";
  const { queue } = throttled[direction];
  // Tokens beyond the burst are kept for nobody.
  if (queue.length === 0) pass(throttled, direction, now);
  queue.push(request);
}

/** A request that may go on now, if there is one. */
export function release(throttled: Throttled, now: Cycles): BlockRequest | null {
  for (const direction of DIRECTIONS) {
    const lane = throttled[direction];
    const [request] = lane.queue;
    if (request === undefined) continue;
    pass(throttled, direction, now);
    const bytes = chargedBytes(request);
    if (!has(lane.bytes, bytes) || !has(lane.requests, 1)) continue;
    spend(lane.bytes, bytes);
    spend(lane.requests, 1);
    lane.queue.shift();
    return request;
  }
  return null;
}

/** When the next request may go on; null when none waits. */
export function ioMaxDeadline(throttled: Throttled): Cycles | null {
  const times = DIRECTIONS.map((direction) => {
    const { bytes, requests, queue } = throttled[direction];
    const [request] = queue;
    if (request === undefined) return NEVER;
    const [bps, iops] = ratesOf(throttled.limits, direction);
    const amount = chargedBytes(request);
    return Math.max(readyAt(bytes, bps, amount), readyAt(requests, iops, 1));
  });
  const first = Math.min(...times);
  return first === NEVER ? null : first;
}

/** Other limits from now on; what waits is counted anew. */
export function changeIoMax(throttled: Throttled, limits: IoMax, now: Cycles): void {
  throttled.limits = limits;
  for (const direction of DIRECTIONS) {
    const { queue } = throttled[direction];
    throttled[direction] = { ...newLane(...ratesOf(limits, direction), now), queue };
  }
}

const ratesOf = (limits: IoMax, direction: "read" | "write"): [bps: number, iops: number] =>
  direction === "read" ? [limits.rbps, limits.riops] : [limits.wbps, limits.wiops];

const newLane = (bps: number, iops: number, now: Cycles): Lane => ({
  bytes: newBucket(bps / SLICES, now),
  requests: newBucket(Math.max(1, iops / SLICES), now),
  queue: [],
});

/** The bucket holds what the first request needs, if that is more than the burst. */
function pass(throttled: Throttled, direction: "read" | "write", now: Cycles): void {
  const { bytes, requests, queue } = throttled[direction];
  const [bps, iops] = ratesOf(throttled.limits, direction);
  const [request] = queue;
  const needed = request === undefined ? 0 : chargedBytes(request);
  fill(bytes, bps, Math.max(needed, bps / SLICES), now);
  fill(requests, iops, Math.max(1, iops / SLICES), now);
}
