/**
 * A disk of a host and what stands before it: the limits of each control group, then their shares, then the disk. Linux,
 * Documentation/block/, Documentation/admin-guide/cgroup-v2.rst, "IO". Pure functions over plain state: requests go in by
 * `submit` and come out of `settle`.
 */

import { type Cycles, NEVER } from "../../sim/time.ts";
import {
  type Disk,
  type DiskParameters,
  diskDeadline,
  hasRoom,
  newDisk,
  serviceTime,
  startService,
  takeServed,
} from "./disk.ts";
import {
  type IoMax,
  ioMaxDeadline,
  newThrottled,
  release,
  throttle,
  type Throttled,
} from "./io-max.ts";
import { addShare, dequeueShare, enqueueShare, newShares, type Shares } from "./io-weight.ts";
import type { BlockRequest } from "./request.ts";

export interface GroupParameters {
  readonly max: IoMax;
  readonly weight: number;
}

export interface BlockLayer {
  at: Cycles;
  /** By number of the group. */
  throttled: Throttled[];
  shares: Shares;
  disk: Disk;
}

export interface Completion {
  readonly request: BlockRequest;
  readonly at: Cycles;
}

/** Groups up to a number are there from now on; a new one has what `of` says. */
export function ensureGroup(
  { throttled, shares }: BlockLayer,
  number: number,
  of: (group: number) => GroupParameters,
): void {
  while (throttled.length <= number) {
    const { max, weight } = of(throttled.length);
    throttled.push(newThrottled(max));
    addShare(shares, weight);
  }
}

export const newBlockLayer = (
  disk: DiskParameters,
  groups: readonly GroupParameters[],
): BlockLayer => ({
  at: 0,
  throttled: groups.map(({ max }) => newThrottled(max)),
  shares: newShares(groups.map(({ weight }) => weight)),
  disk: newDisk(disk),
});

/** It goes on when the layer settles. */
export function submit(layer: BlockLayer, request: BlockRequest, now: Cycles): void {
  const group = layer.throttled[request.group];
  if (group !== undefined) throttle(group, request, now);
}

/** A request that nobody waits for; one that the disk has in its hands is done all the same. */
export function withdraw({ throttled, shares }: BlockLayer, id: number): void {
  const lanes = throttled.flatMap(({ read, write }) => [read, write]);
  for (const one of [...lanes, ...shares.groups])
    one.queue = one.queue.filter((request) => request.id !== id);
}

/** When something happens by itself next; null for never. */
export function blockDeadline({ throttled, disk }: BlockLayer): Cycles | null {
  const all = [...throttled.map(ioMaxDeadline), diskDeadline(disk)];
  const first = Math.min(...all.map((at) => at ?? NEVER));
  return first === NEVER ? null : first;
}

/** Lets time pass until `now`, however far, and gives what was completed, in the order of its times. */
export function settleBlocks(layer: BlockLayer, now: Cycles): readonly Completion[] {
  const done: Completion[] = [];
  const pass = (time: Cycles): void => {
    layer.at = Math.max(layer.at, time);
    const { at, disk } = layer;
    for (const request of takeServed(disk, at)) done.push({ request, at });
    move(layer);
  };
  for (;;) {
    const deadline = blockDeadline(layer);
    if (deadline === null || deadline > now) break;
    pass(deadline);
  }
  pass(now);
  return done;
}

function move({ throttled, shares, disk, at }: BlockLayer): void {
  for (const group of throttled) {
    for (let next = release(group, at); next !== null; next = release(group, at))
      enqueueShare(shares, next);
  }
  while (hasRoom(disk)) {
    const next = dequeueShare(shares, (request) => serviceTime(disk, request));
    if (next === null) return;
    startService(disk, next, at);
  }
}
