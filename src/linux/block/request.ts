/** What is asked of a disk: Linux, Documentation/block/writeback_cache_control.rst; sectors have 512 bytes. */

export type RequestKind = "read" | "write" | "discard" | "flush";

export interface BlockRequest {
  /** Of all requests one. */
  readonly id: number;
  /** Number of the control group that it is charged to. */
  readonly group: number;
  readonly kind: RequestKind;
  /** Where the disk's head goes, and what is carried: no bytes for a flush. */
  readonly sector: number;
  readonly bytes: number;
  /** A write that is complete only when it would survive a power cut. */
  readonly isForced: boolean;
}

export const SECTOR_BYTES = 512;

/** What limits count: a discard carries nothing, but is no more than a sector's worth of nothing. Linux, block/blk-throttle.c. */
export const chargedBytes = ({ kind, bytes }: BlockRequest): number =>
  kind === "discard" ? Math.min(bytes, SECTOR_BYTES) : bytes;
