/**
 * What a disk takes for a request: a part for its kind, a seek by distance if it turns, and its bytes at the rate at which
 * it carries them, one request at a time; the other parts of several requests go on together. C. Ruemmler and J. Wilkes,
 * "An introduction to disk drive modeling" (1994), for seeks. Pure functions over plain state. Not modelled: zones of
 * different speed, where the platter stands, garbage collection.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../../sim/time.ts";
import { type BlockRequest, type RequestKind, SECTOR_BYTES } from "./request.ts";

export interface DiskParameters {
  /** Requests in its hands at the same time. */
  readonly depth: number;
  readonly fixed: Readonly<Record<RequestKind, Cycles>>;
  readonly bytesPerSecond: number;
  /** Null for a disk that does not turn. */
  readonly seek: Seek | null;
}

/** To the next track, and over the whole disk of so many sectors. */
export interface Seek {
  readonly shortest: Cycles;
  readonly longest: Cycles;
  readonly sectors: number;
}

export interface Disk {
  parameters: DiskParameters;
  /** Requests in its hands, and when each is done. */
  flight: { readonly request: BlockRequest; readonly at: Cycles }[];
  /** When the bytes of all of them have been carried. */
  carriedAt: Cycles;
  head: number;
}

export const newDisk = (parameters: DiskParameters): Disk => ({
  parameters,
  flight: [],
  carriedAt: 0,
  head: 0,
});

export const hasRoom = ({ flight, parameters }: Disk): boolean => flight.length < parameters.depth;

/** What a request would take, were it alone. */
export const serviceTime = (disk: Disk, request: BlockRequest): Cycles =>
  carryTime(disk, request) + otherTime(disk, request);

/** It has room. */
export function startService(disk: Disk, request: BlockRequest, now: Cycles): void {
  disk.carriedAt = Math.max(disk.carriedAt, now) + carryTime(disk, request);
  disk.flight.push({ request, at: disk.carriedAt + otherTime(disk, request) });
  if (request.kind !== "flush") disk.head = endOf(request);
}

/** What is done by now, the first one first. */
export function takeServed(disk: Disk, now: Cycles): readonly BlockRequest[] {
  const done = disk.flight.filter(({ at }) => at <= now);
  if (done.length === 0) return [];
  disk.flight = disk.flight.filter(({ at }) => at > now);
  return done.sort((a, b) => a.at - b.at).map(({ request }) => request);
}

export const diskDeadline = ({ flight }: Disk): Cycles | null =>
  flight.length === 0 ? null : Math.min(...flight.map(({ at }) => at));

const carryTime = ({ parameters }: Disk, { kind, bytes }: BlockRequest): Cycles =>
  kind === "discard" ? 0 : Math.ceil((bytes * CYCLES_PER_SECOND) / parameters.bytesPerSecond);

function otherTime({ parameters, head }: Disk, request: BlockRequest): Cycles {
  const { fixed, seek } = parameters;
  const forced = request.isForced ? fixed.flush : 0;
  const isStill = seek === null || request.kind === "flush" || request.sector === head;
  return fixed[request.kind] + forced + (isStill ? 0 : seekTime(seek, request.sector - head));
}

/** The arm speeds up and slows down: the time goes by the root of the way. */
function seekTime({ shortest, longest, sectors }: Seek, way: number): Cycles {
  const part = Math.min(1, Math.abs(way) / sectors);
  return shortest + Math.round((longest - shortest) * Math.sqrt(part));
}

const endOf = ({ sector, bytes }: BlockRequest): number => sector + bytes / SECTOR_BYTES;
