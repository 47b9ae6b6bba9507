/**
 * The shares of control groups in a disk's time. Linux, Documentation/admin-guide/cgroup-v2.rst, "io.weight", says what
 * is shared; start-time fair queueing says who is next: P. Goyal, H. M. Vin, H. Cheng, "Start-time fair queueing" (1996),
 * and for disks W. Jin, J. S. Chase, J. Kaur, "Interposed proportional sharing for a storage service utility" (2004). It
 * need not know what a request will cost before it is next. While two groups are never without a request, the time that
 * they were given, each divided by its weight, differs by at most the longest request of each divided by its weight.
 */

import type { BlockRequest } from "./request.ts";

interface Group {
  weight: number;
  /** The start tag of its next request: time used, divided by the weight. */
  tag: number;
  queue: BlockRequest[];
}

export interface Shares {
  groups: Group[];
  /** The start tag of the request that was given to the disk last. */
  virtualTime: number;
}

export const newShares = (weights: readonly number[]): Shares => ({
  groups: weights.map(newGroup),
  virtualTime: 0,
});

/** One group more, whose number is the next. */
export function addShare({ groups }: Shares, weight: number): void {
  groups.push(newGroup(weight));
}

const newGroup = (weight: number): Group => ({ weight, tag: 0, queue: [] });

/** A group that has had no request keeps no claim to the time that others used. */
export function enqueueShare({ groups, virtualTime }: Shares, request: BlockRequest): void {
  const group = groups[request.group];
  if (group === undefined) return;
  if (group.queue.length === 0) group.tag = Math.max(group.tag, virtualTime);
  group.queue.push(request);
}

/** Who is next; `costOf` says how much of the disk's time its request takes. */
export function dequeueShare(
  shares: Shares,
  costOf: (request: BlockRequest) => number,
): BlockRequest | null {
  const next = shares.groups.reduce<Group | null>(
    (best, group) =>
      group.queue.length > 0 && (best === null || group.tag < best.tag) ? group : best,
    null,
  );
  const request = next?.queue.shift();
  if (next === null || request === undefined) return null;
  shares.virtualTime = next.tag;
  next.tag += costOf(request) / next.weight;
  return request;
}

/** Another share from now on: also of the time that the group was given ahead of the others. */
export function changeShare({ groups, virtualTime }: Shares, number: number, weight: number): void {
  const group = groups[number];
  if (group === undefined) return;
  const ahead = Math.max(0, group.tag - virtualTime);
  group.tag = virtualTime + (ahead * group.weight) / weight;
  group.weight = weight;
}
