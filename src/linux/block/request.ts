/** What control groups ask of a disk: Linux, Documentation/block/writeback_cache_control.rst; sectors have 512 bytes. */

import type { DiskRequest } from "../../hw/chips/virtio/block.ts";

export type RequestKind = DiskRequest["kind"];

export interface BlockRequest extends DiskRequest {
  /** Of all requests one. */
  readonly id: number;
  /** Number of the control group that it is charged to. */
  readonly group: number;
}

export const SECTOR_BYTES = 512;

/** What limits count: a discard carries nothing, but is no more than a sector's worth of nothing. Linux, block/blk-throttle.c. */
export const chargedBytes = ({ kind, bytes }: BlockRequest): number =>
  kind === "discard" ? Math.min(bytes, SECTOR_BYTES) : bytes;
