/**
 * The content of a disk: an image that never changes, shared by all machines that began with it, and pages of 4 KiB over
 * it that were written since, shared between snapshots (docs/adr/0001-state-is-data.md). It is registered as a keeper,
 * and is what virtio's block device asks (VIRTIO specification, "Block Device").
 */

import { Hasher } from "../../sim/hash.ts";
import type { BlockBackend } from "./virtio/block.ts";

const SECTOR = 512;
const PAGE = 4096;
const SECTORS_PER_PAGE = PAGE / SECTOR;
const PAGES_PER_CHUNK = 512;
/** Never written. */
const ZEROS = new Uint8Array(PAGE);

/** Pages that were written, by their number within the chunk. Neither is written again once it is saved. */
type Chunk = readonly (Uint8Array | null)[];

/** What a snapshot keeps: chunks of 2 MiB, null where nothing was written. */
export interface DiskOverlay {
  readonly chunks: readonly (Chunk | null)[];
}

export class DiskImage implements BlockBackend {
  readonly sectors: number;
  readonly isReadOnly: boolean;
  readonly #base: Uint8Array;
  #chunks: (Chunk | null)[];
  /** Chunks and pages that no snapshot shares. */
  readonly #ownChunks = new Set<Chunk>();
  readonly #ownPages = new Set<Uint8Array>();
  /** Sum of the hashes of all written pages but those of `#unhashed`, which are known by their numbers. */
  readonly #sum = new Uint32Array(4);
  readonly #unhashed = new Set<number>();
  readonly #hashes = new WeakMap<Uint8Array, readonly number[]>();

  /** Nobody may write `base` from now on. A last sector that is not whole is filled with zeros. */
  constructor(base: Uint8Array, isReadOnly = false) {
    this.#base = base;
    this.isReadOnly = isReadOnly;
    this.sectors = Math.ceil(base.length / SECTOR);
    const chunkCount = Math.ceil(this.sectors / SECTORS_PER_PAGE / PAGES_PER_CHUNK);
    this.#chunks = Array.from({ length: chunkCount }, () => null);
  }

  read(sector: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count * SECTOR);
    for (const { page, offset, at, size } of pieces(sector, bytes.length)) {
      const written = this.#page(page);
      const from = page * PAGE + offset;
      bytes.set(
        written?.subarray(offset, offset + size) ?? this.#base.subarray(from, from + size),
        at,
      );
    }
    return bytes;
  }

  write(sector: number, bytes: Uint8Array): void {
    for (const { page, offset, at, size } of pieces(sector, bytes.length))
      this.#own(page).set(bytes.subarray(at, at + size), offset);
  }

  /** Whole pages of zeros are one page, so that a disk that is discarded takes no room. */
  zero(sector: number, count: number): void {
    for (const { page, offset, size } of pieces(sector, count * SECTOR)) {
      if (size === PAGE) this.#replace(page, ZEROS);
      else this.#own(page).fill(0, offset, offset + size);
    }
  }

  /** What is written is kept at once. */
  flush(): void {}

  save(): DiskOverlay {
    this.#ownChunks.clear();
    this.#ownPages.clear();
    return { chunks: this.#chunks.slice() };
  }

  load(saved: DiskOverlay): void {
    this.#ownChunks.clear();
    this.#ownPages.clear();
    this.#chunks = saved.chunks.slice();
    this.#sum.fill(0);
    this.#unhashed.clear();
    this.#chunks.forEach((chunk, c) =>
      chunk?.forEach((page, i) => {
        if (page !== null) this.#unhashed.add(c * PAGES_PER_CHUNK + i);
      }),
    );
  }

  /** Of what was written. Costs one pass over each page written since the last. */
  digest(hasher: Hasher): void {
    for (const page of this.#unhashed) {
      const bytes = this.#page(page);
      if (bytes !== null) this.#count(this.#hashOf(page, bytes), 1);
    }
    this.#unhashed.clear();
    hasher.f64(this.sectors);
    for (const word of this.#sum) hasher.u32(word);
  }

  #page(page: number): Uint8Array | null {
    return this.#chunks[Math.floor(page / PAGES_PER_CHUNK)]?.[page % PAGES_PER_CHUNK] ?? null;
  }

  /** A page that may be written. */
  #own(page: number): Uint8Array {
    const before = this.#page(page);
    if (before !== null && this.#ownPages.has(before)) {
      this.#uncount(page, before);
      this.#hashes.delete(before);
      return before;
    }
    const own = new Uint8Array(PAGE);
    own.set(before ?? this.#base.subarray(page * PAGE, (page + 1) * PAGE));
    this.#ownPages.add(own);
    this.#replace(page, own);
    return own;
  }

  #replace(page: number, bytes: Uint8Array): void {
    const before = this.#page(page);
    if (before === null) this.#unhashed.add(page);
    else this.#uncount(page, before);
    this.#ownChunk(Math.floor(page / PAGES_PER_CHUNK))[page % PAGES_PER_CHUNK] = bytes;
  }

  /** Takes a page's share out of the digest. */
  #uncount(page: number, bytes: Uint8Array): void {
    if (!this.#unhashed.has(page)) this.#count(this.#hashOf(page, bytes), -1);
    this.#unhashed.add(page);
  }

  #ownChunk(index: number): (Uint8Array | null)[] {
    const before = this.#chunks[index] ?? null;
    if (before !== null && this.#ownChunks.has(before)) return before as (Uint8Array | null)[];
    const own = before?.slice() ?? Array.from({ length: PAGES_PER_CHUNK }, () => null);
    this.#ownChunks.add(own);
    this.#chunks[index] = own;
    return own;
  }

  #hashOf(page: number, bytes: Uint8Array): readonly number[] {
    // That of zeros depends on the page, and they are one object for all.
    const known = bytes === ZEROS ? undefined : this.#hashes.get(bytes);
    if (known !== undefined) return known;
    const hash = this.#isAsBase(page, bytes) ? [0, 0, 0, 0] : hashOf(page, bytes);
    this.#hashes.set(bytes, hash);
    return hash;
  }

  /** Such a page counts like one that was never written. */
  #isAsBase(page: number, bytes: Uint8Array): boolean {
    const from = page * PAGE;
    return bytes.every((byte, i) => byte === (this.#base[from + i] ?? 0));
  }

  #count(hash: readonly number[], sign: 1 | -1): void {
    for (let lane = 0; lane < 4; lane += 1)
      this.#sum[lane] = (this.#sum[lane] as number) + sign * (hash[lane] as number);
  }
}

function hashOf(page: number, bytes: Uint8Array): readonly number[] {
  const hasher = new Hasher(page);
  hasher.bytes(bytes);
  return hasher.finish();
}

interface Piece {
  readonly page: number;
  readonly offset: number;
  /** Where it lies in the transfer. */
  readonly at: number;
  readonly size: number;
}

/** A transfer, page by page. */
function pieces(sector: number, size: number): Piece[] {
  const found: Piece[] = [];
  let from = sector * SECTOR;
  for (let at = 0; at < size; ) {
    const offset = from % PAGE;
    const part = Math.min(PAGE - offset, size - at);
    found.push({ page: (from - offset) / PAGE, offset, at, size: part });
    at += part;
    from += part;
  }
  return found;
}
