/**
 * A disk with a volatile write cache: what was written since the last flush may be lost when the power goes. Linux,
 * Documentation/block/writeback_cache_control.rst; SATA and NVMe keep single sectors whole. Reads see what was written
 * last. The cache holds so many bytes; what has been in it for longest is on the disk by then.
 */

import type { DiskImage, DiskOverlay } from "../../hw/chips/disk-image.ts";
import type { BlockBackend } from "../../hw/chips/virtio/block.ts";
import { Hasher } from "../../sim/hash.ts";
import type { RandomStream } from "../../sim/random.ts";
import type { Keeper } from "../../sim/snapshot.ts";
import { SECTOR_BYTES } from "./request.ts";

/** A write that is not yet on the disk, as what it has covered. Never changes. */
interface Covered {
  readonly sector: number;
  readonly before: Uint8Array;
}

interface SavedDisk {
  readonly image: DiskOverlay;
  readonly cache: readonly Covered[];
}

const CACHE_BYTES = 32 << 20;

export class CachedDisk implements BlockBackend, Keeper<SavedDisk> {
  readonly #image: DiskImage;
  readonly #cacheBytes: number;
  /** The oldest first. */
  #cache: Covered[] = [];
  #cached = 0;
  readonly #hashes = new WeakMap<Covered, readonly number[]>();

  constructor(image: DiskImage, cacheBytes = CACHE_BYTES) {
    this.#image = image;
    this.#cacheBytes = cacheBytes;
  }

  get sectors(): number {
    return this.#image.sectors;
  }

  get isReadOnly(): boolean {
    return this.#image.isReadOnly;
  }

  read(sector: number, count: number): Uint8Array {
    return this.#image.read(sector, count);
  }

  write(sector: number, bytes: Uint8Array): void {
    this.#cover(sector, bytes.length / SECTOR_BYTES);
    this.#image.write(sector, bytes);
  }

  zero(sector: number, count: number): void {
    this.#cover(sector, count);
    this.#image.zero(sector, count);
  }

  flush(): void {
    this.#cache = [];
    this.#cached = 0;
  }

  /** Each sector that was not flushed is what it was, or what one of the writes since has made of it. */
  powerCut(stream: RandomStream): void {
    const versions = new Map<number, Uint8Array[]>();
    for (const { sector, before } of this.#cache)
      for (let at = 0; at < before.length; at += SECTOR_BYTES) {
        const number = sector + at / SECTOR_BYTES;
        const known = versions.get(number) ?? [];
        known.push(before.subarray(at, at + SECTOR_BYTES));
        versions.set(number, known);
      }
    for (const [number, known] of versions) {
      const survivor = known[stream.below(known.length + 1)];
      if (survivor !== undefined) this.#image.write(number, survivor);
    }
    this.flush();
  }

  save(): SavedDisk {
    return { image: this.#image.save(), cache: this.#cache.slice() };
  }

  load({ image, cache }: SavedDisk): void {
    this.#image.load(image);
    this.#cache = cache.slice();
    this.#cached = cache.reduce((sum, { before }) => sum + before.length, 0);
  }

  digest(hasher: Hasher): void {
    this.#image.digest(hasher);
    hasher.f64(this.#cache.length);
    for (const covered of this.#cache) for (const word of this.#hashOf(covered)) hasher.u32(word);
  }

  #cover(sector: number, count: number): void {
    if (count === 0) return;
    const before = this.#image.read(sector, count);
    this.#cache.push({ sector, before });
    this.#cached += before.length;
    while (this.#cached > this.#cacheBytes)
      this.#cached -= this.#cache.shift()?.before.length ?? this.#cached;
  }

  #hashOf(covered: Covered): readonly number[] {
    const known = this.#hashes.get(covered);
    if (known !== undefined) return known;
    const hasher = new Hasher(covered.sector);
    hasher.bytes(covered.before);
    const hash = hasher.finish();
    this.#hashes.set(covered, hash);
    return hash;
  }
}
