/**
 * Split virtqueues, as the device uses them. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Split Virtqueues".
 * Every field in memory is the driver's and may be anything, and may change between two looks at it. What breaks the
 * rules gives `BROKEN`, and all work is bounded by the size of the queue.
 */

import type { DmaMemory } from "../dma.ts";

/** A 64-bit address as its two words. */
export type Wide = [low: number, high: number];

export interface Virtqueue {
  size: number;
  isReady: boolean;
  /** The descriptor table; the available ring, or driver area; the used ring, or device area. */
  descriptors: Wide;
  driver: Wide;
  device: Wide;
  /** Entries of the available ring that were taken, and of the used ring that were written, modulo 2^16. */
  taken: number;
  used: number;
}

/** A piece of memory that a descriptor names. */
export interface Extent {
  readonly address: number;
  readonly length: number;
}

export interface Chain {
  readonly head: number;
  /** For the device to read, and to write. */
  readonly readable: readonly Extent[];
  readonly writable: readonly Extent[];
}

export const BROKEN = "broken";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const DESCRIPTOR_BYTES = 16;
const NO_INTERRUPT = 1;

export const newVirtqueue = (size: number): Virtqueue => ({
  size,
  isReady: false,
  descriptors: [0, 0],
  driver: [0, 0],
  device: [0, 0],
  taken: 0,
  used: 0,
});

/** Loses its last bits above 2^53, where no RAM is. */
const addressOf = ([low, high]: Wide): number => high * 2 ** 32 + low;

/** The next head of the available ring; null when there is none. */
export function takeHead(queue: Virtqueue, memory: DmaMemory): number | null | typeof BROKEN {
  const ring = addressOf(queue.driver);
  const index = readWord(memory, ring + 2);
  if (index === null) return BROKEN;
  const waiting = (index - queue.taken) & 0xffff;
  if (waiting === 0) return null;
  // "The Virtqueue Available Ring": no more than the queue has descriptors.
  if (waiting > queue.size) return BROKEN;
  const head = readWord(memory, ring + 4 + 2 * (queue.taken % queue.size));
  if (head === null) return BROKEN;
  queue.taken = (queue.taken + 1) & 0xffff;
  return head;
}

/** Follows the descriptors from a head on. "The Virtqueue Descriptor Table", "Indirect Descriptors". */
export function walkChain(
  queue: Virtqueue,
  memory: DmaMemory,
  head: number,
  allowsIndirect: boolean,
): Chain | typeof BROKEN {
  const readable: Extent[] = [];
  const writable: Extent[] = [];
  let table = { address: addressOf(queue.descriptors), entries: queue.size, isIndirect: false };
  let index = head;
  for (;;) {
    // A chain longer than the queue is forbidden; so is a loop, which never ends.
    if (index >= table.entries || readable.length + writable.length === queue.size) return BROKEN;
    const bytes = memory.read(table.address + DESCRIPTOR_BYTES * index, DESCRIPTOR_BYTES);
    if (bytes === null) return BROKEN;
    const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES);
    const address = addressOf([view.getUint32(0, true), view.getUint32(4, true)]);
    const length = view.getUint32(8, true);
    const flags = view.getUint16(12, true);
    if ((flags & INDIRECT) !== 0) {
      const isWhole = length > 0 && length % DESCRIPTOR_BYTES === 0;
      if (!allowsIndirect || table.isIndirect || (flags & NEXT) !== 0 || !isWhole) return BROKEN;
      table = { address, entries: length / DESCRIPTOR_BYTES, isIndirect: true };
      index = 0;
      continue;
    }
    if ((flags & WRITE) !== 0) writable.push({ address, length });
    else if (writable.length > 0) return BROKEN;
    else readable.push({ address, length });
    if ((flags & NEXT) === 0) return { head, readable, writable };
    index = view.getUint16(14, true);
  }
}

/** Puts a chain into the used ring; false when that is no RAM. "The Virtqueue Used Ring". */
export function putUsed(
  queue: Virtqueue,
  memory: DmaMemory,
  head: number,
  writtenBytes: number,
): boolean {
  const ring = addressOf(queue.device);
  const entry = new Uint8Array(8);
  const view = new DataView(entry.buffer);
  view.setUint32(0, head, true);
  view.setUint32(4, writtenBytes, true);
  if (!memory.write(ring + 4 + 8 * (queue.used % queue.size), entry)) return false;
  queue.used = (queue.used + 1) & 0xffff;
  return writeWord(memory, ring + 2, queue.used);
}

/** With event indices: asks to be told of the next entry of the available ring. */
export const askForNext = (queue: Virtqueue, memory: DmaMemory): boolean =>
  writeWord(memory, addressOf(queue.device) + 4 + 8 * queue.size, queue.taken);

/**
 * Whether the driver wants to hear of the used entries from `before` on. "Used Buffer Notification Suppression";
 * null when the available ring is no RAM.
 */
export function wantsInterrupt(
  queue: Virtqueue,
  memory: DmaMemory,
  before: number,
  hasEventIndex: boolean,
): boolean | null {
  const ring = addressOf(queue.driver);
  const word = readWord(memory, hasEventIndex ? ring + 4 + 2 * queue.size : ring);
  if (word === null) return null;
  if (!hasEventIndex) return (word & NO_INTERRUPT) === 0;
  return ((queue.used - word - 1) & 0xffff) < ((queue.used - before) & 0xffff);
}

export const totalBytes = (extents: readonly Extent[]): number =>
  extents.reduce((sum, { length }) => sum + length, 0);

/** `size` bytes of what the extents name, from byte `from` on; null when they are fewer, or a part is no RAM. */
export function gather(
  memory: DmaMemory,
  extents: readonly Extent[],
  from: number,
  size: number,
): Uint8Array | null {
  const bytes = new Uint8Array(size);
  let done = 0;
  for (const { address, length } of pieces(extents, from, size)) {
    const part = memory.read(address, length);
    if (part === null) return null;
    bytes.set(part, done);
    done += length;
  }
  return done === size ? bytes : null;
}

/** Writes bytes to what the extents name, from byte `from` on; false when they do not fit, or a part is no RAM. */
export function scatter(
  memory: DmaMemory,
  extents: readonly Extent[],
  from: number,
  bytes: Uint8Array,
): boolean {
  let done = 0;
  for (const { address, length } of pieces(extents, from, bytes.length)) {
    if (!memory.write(address, bytes.subarray(done, done + length))) return false;
    done += length;
  }
  return done === bytes.length;
}

/** The extents of `size` bytes from byte `from` on, as far as there are any. */
function pieces(extents: readonly Extent[], from: number, size: number): Extent[] {
  const found: Extent[] = [];
  let skip = from;
  let rest = size;
  for (const { address, length } of extents) {
    const count = Math.min(length - skip, rest);
    if (count > 0) {
      found.push({ address: address + skip, length: count });
      rest -= count;
    }
    skip = Math.max(skip - length, 0);
  }
  return found;
}

function readWord(memory: DmaMemory, address: number): number | null {
  const bytes = memory.read(address, 2);
  return bytes === null ? null : (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
}

const writeWord = (memory: DmaMemory, address: number, value: number): boolean =>
  memory.write(address, Uint8Array.of(value & 0xff, value >> 8));
