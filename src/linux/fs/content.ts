/** Bytes of regular files: here, or in the sectors of a disk, whose length never changes. Linux, read(2), write(2), truncate(2). A page cache is not modelled. */

import type { BlockBackend } from "../../hw/chips/virtio/block.ts";
import { SECTOR_BYTES } from "../block/request.ts";
import type { Errno } from "../errno.ts";
import type { Inode } from "./inode.ts";

export type Disks = ReadonlyMap<string, BlockBackend>;

/** s_maxbytes. */
const MOST_BYTES = 1 << 26;

export function sizeOf({ data, disk }: Inode, disks: Disks): number {
  return disk === null ? data.length : (disks.get(disk)?.sectors ?? 0) * SECTOR_BYTES;
}

/** Up to the end of the file. */
export function readContent(inode: Inode, disks: Disks, from: number, count: number): Uint8Array {
  const end = Math.min(sizeOf(inode, disks), from + count);
  if (end <= from) return new Uint8Array(0);
  const disk = disks.get(inode.disk ?? "");
  if (disk === undefined) return inode.data.slice(from, end);
  const [first, last] = sectorsOf(from, end);
  const start = from - first * SECTOR_BYTES;
  return disk.read(first, last - first).slice(start, start + end - from);
}

/** How much was written. */
export function writeContent(
  inode: Inode,
  disks: Disks,
  from: number,
  bytes: Uint8Array,
): number | Errno {
  const disk = disks.get(inode.disk ?? "");
  if (disk === undefined) return writeData(inode, from, bytes);
  if (disk.isReadOnly) return "EIO";
  const end = Math.min(disk.sectors * SECTOR_BYTES, from + bytes.length);
  if (end <= from) return bytes.length === 0 ? 0 : "ENOSPC";
  const [first, last] = sectorsOf(from, end);
  const sectors = disk.read(first, last - first).slice();
  sectors.set(bytes.subarray(0, end - from), from - first * SECTOR_BYTES);
  disk.write(first, sectors);
  return end - from;
}

export function truncateContent(inode: Inode, size: number): Errno | null {
  if (size > MOST_BYTES) return "EFBIG";
  if (inode.kind !== "file" || inode.disk !== null) return "EINVAL";
  const data = new Uint8Array(size);
  data.set(inode.data.subarray(0, size));
  inode.data = data;
  return null;
}

function writeData(inode: Inode, from: number, bytes: Uint8Array): number | Errno {
  const end = from + bytes.length;
  if (end > MOST_BYTES) return "EFBIG";
  if (bytes.length > 0 && end > inode.data.length) truncateContent(inode, end);
  inode.data.set(bytes, from);
  return bytes.length;
}

const sectorsOf = (from: number, end: number): readonly [first: number, last: number] => [
  Math.floor(from / SECTOR_BYTES),
  Math.ceil(end / SECTOR_BYTES),
];
