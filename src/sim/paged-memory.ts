/**
 * Byte memory in pages of 4 KiB over one WebAssembly.Memory: the machine's physical memory. Snapshots share every
 * page that was not written in between; restoring copies only the pages that differ, also into a memory that held
 * something else before. An area below the first byte belongs to the engine that runs on it and is no state.
 *
 * One flag byte a page tells what was written. They lie in linear memory so that emitted code can set them.
 */

import { assert } from "./assert.ts";
import { Hasher } from "./hash.ts";

export const PAGE_SIZE = 4096;
const PAGE_SHIFT = 12;
const CHUNK_SHIFT = 9;
const PAGES_PER_CHUNK = 1 << CHUNK_SHIFT;
const PAGES_PER_COPY = 16;
const WASM_PAGE_SIZE = 65536;
const WORDS_PER_PAGE = PAGE_SIZE / 4;

/** The page differs, or may differ, from the last image taken or restored. */
export const PAGE_UNSAVED = 1;
/** The page's share of the digest is out of date. */
export const PAGE_UNHASHED = 2;
const WRITTEN = PAGE_UNSAVED | PAGE_UNHASHED;
/** The remaining bits are the engine's: a page that carries one is reported to `onPageChanged` when it is changed. */
export const PAGE_ENGINE_BITS = 0xfc;

/** The content of one page at one moment; never written again. */
interface PageImage {
  readonly bytes: Uint8Array;
}

type ChunkImage = readonly PageImage[];

/** The content of a memory at one moment. Pages and chunks are shared between images. */
export interface MemoryImage {
  readonly sizeBytes: number;
  readonly chunks: readonly ChunkImage[];
}

const ZERO_PAGE: PageImage = { bytes: new Uint8Array(PAGE_SIZE) };
const ZERO_CHUNK: ChunkImage = Array.from({ length: PAGES_PER_CHUNK }, () => ZERO_PAGE);

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Copies of pages, sixteen to a buffer: a buffer for each costs ten times as much. */
class PageCopies {
  #buffer = new Uint8Array(0);
  #used = 0;

  take(bytes: Uint8Array, offset: number): PageImage {
    if (this.#used === this.#buffer.length) {
      this.#buffer = new Uint8Array(PAGES_PER_COPY * PAGE_SIZE);
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used + PAGE_SIZE);
    this.#used += PAGE_SIZE;
    copy.set(bytes.subarray(offset, offset + PAGE_SIZE));
    return { bytes: copy };
  }
}

export class PagedMemory {
  readonly sizeBytes: number;
  readonly engineBytes: number;
  readonly pageCount: number;
  readonly wasm: WebAssembly.Memory;
  /** Offset in linear memory of the flag byte of page 0. */
  readonly flagsOffset: number;
  /** Offset in linear memory of byte 0. */
  readonly base: number;
  /** One byte a page: PAGE_UNSAVED, PAGE_UNHASHED and the engine's bits. */
  readonly flags: Uint8Array;
  /** The content. Whoever writes here directly sets the flags: see `touch`. */
  readonly bytes: Uint8Array;
  /** Told of each change, by a write here or by a restore, of a page that carries an engine bit. */
  onPageChanged: ((page: number) => void) | null = null;
  /** Told when pages count as unwritten again: who writes without `touch` while their flags are set must ask anew. */
  onFlagsCleared: (() => void) | null = null;

  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #flagWords: Int32Array;
  readonly #chunks: ChunkImage[];
  /** Four words a page, and their sum over all pages; made when a digest is first asked for. */
  #pageHashes: Uint32Array | null = null;
  readonly #sum = new Uint32Array(4);

  /** `sizeBytes` is a multiple of the page size; with `engineBytes` it stays below 4 GiB. */
  constructor(sizeBytes: number, engineBytes = 0) {
    assert(sizeBytes > 0 && sizeBytes % PAGE_SIZE === 0, "a memory has whole pages");
    this.sizeBytes = sizeBytes;
    this.engineBytes = engineBytes;
    this.pageCount = sizeBytes / PAGE_SIZE;
    this.flagsOffset = roundUp(engineBytes, PAGE_SIZE);
    const flagBytes = roundUp(this.pageCount, PAGES_PER_CHUNK);
    this.base = roundUp(this.flagsOffset + flagBytes, WASM_PAGE_SIZE);
    const wasmPages = roundUp(this.base + sizeBytes, WASM_PAGE_SIZE) / WASM_PAGE_SIZE;
    this.wasm = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages });
    const { buffer } = this.wasm;
    this.flags = new Uint8Array(buffer, this.flagsOffset, this.pageCount);
    this.bytes = new Uint8Array(buffer, this.base, sizeBytes);
    this.#view = new DataView(buffer, this.base, sizeBytes);
    this.#words = new Uint32Array(buffer, this.base, sizeBytes / 4);
    this.#flagWords = new Int32Array(buffer, this.flagsOffset, flagBytes / 4);
    this.#chunks = Array.from({ length: flagBytes / PAGES_PER_CHUNK }, () => ZERO_CHUNK);
  }

  /** True when `size` bytes from `address` lie in the memory. */
  contains(address: number, size: number): boolean {
    return address >= 0 && address + size <= this.sizeBytes;
  }

  /** Marks the pages of a range as written. */
  touch(address: number, size: number): void {
    if (size === 0) return;
    const last = Math.floor((address + size - 1) / PAGE_SIZE);
    for (let page = Math.floor(address / PAGE_SIZE); page <= last; page += 1) this.#touchPage(page);
  }

  read8(address: number): number {
    return this.#view.getUint8(address);
  }

  read16(address: number): number {
    return this.#view.getUint16(address, true);
  }

  read32(address: number): number {
    return this.#view.getUint32(address, true);
  }

  read64(address: number): bigint {
    return this.#view.getBigUint64(address, true);
  }

  write8(address: number, value: number): void {
    this.#view.setUint8(address, value);
    this.#touchPage(address >>> PAGE_SHIFT);
  }

  write16(address: number, value: number): void {
    this.#view.setUint16(address, value, true);
    this.#touchSmall(address, 2);
  }

  write32(address: number, value: number): void {
    this.#view.setUint32(address, value, true);
    this.#touchSmall(address, 4);
  }

  write64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, value, true);
    this.#touchSmall(address, 8);
  }

  /** A copy of `size` bytes from `address`. */
  read(address: number, size: number): Uint8Array {
    assert(this.contains(address, size), "a read lies in the memory");
    return this.bytes.slice(address, address + size);
  }

  write(address: number, bytes: Uint8Array): void {
    assert(this.contains(address, bytes.length), "a write lies in the memory");
    this.bytes.set(bytes, address);
    this.touch(address, bytes.length);
  }

  fill(address: number, size: number, value: number): void {
    assert(this.contains(address, size), "a fill lies in the memory");
    this.bytes.fill(value, address, address + size);
    this.touch(address, size);
  }

  /** The content now. Costs one copy for each page written since the last image. */
  capture(): MemoryImage {
    const copies = new PageCopies();
    this.#forEachChunkWith(PAGE_UNSAVED, (chunk) => {
      const pages = (this.#chunks[chunk] as ChunkImage).slice();
      this.#forEachPageWith(PAGE_UNSAVED, chunk, (page) => {
        pages[page % PAGES_PER_CHUNK] = copies.take(this.bytes, page * PAGE_SIZE);
        this.flags[page] = (this.flags[page] as number) & ~PAGE_UNSAVED;
      });
      this.#chunks[chunk] = pages;
    });
    this.onFlagsCleared?.();
    return { sizeBytes: this.sizeBytes, chunks: this.#chunks.slice() };
  }

  /** Makes the content that of `image`. Costs one copy for each page that differs. */
  restore(image: MemoryImage): void {
    assert(image.sizeBytes === this.sizeBytes, "an image is restored to a memory of its size");
    for (let chunk = 0; chunk < this.#chunks.length; chunk += 1) {
      const wanted = image.chunks[chunk] as ChunkImage;
      if (this.#chunks[chunk] === wanted && !this.#chunkHas(PAGE_UNSAVED, chunk)) continue;
      this.#restoreChunk(chunk, wanted);
    }
    this.onFlagsCleared?.();
  }

  /** How many pages `restore(image)` would copy. */
  distance(image: MemoryImage): number {
    let pages = 0;
    for (let chunk = 0; chunk < this.#chunks.length; chunk += 1) {
      const wanted = image.chunks[chunk] as ChunkImage;
      const held = this.#chunks[chunk] as ChunkImage;
      if (held === wanted && !this.#chunkHas(PAGE_UNSAVED, chunk)) continue;
      const first = chunk << CHUNK_SHIFT;
      const count = Math.min(PAGES_PER_CHUNK, this.pageCount - first);
      for (let i = 0; i < count; i += 1) {
        const unsaved = ((this.flags[first + i] as number) & PAGE_UNSAVED) !== 0;
        if (unsaved || held[i] !== wanted[i]) pages += 1;
      }
    }
    return pages;
  }

  /** Feeds the hasher with a digest of the whole content. Costs one pass over each page written since the last. */
  digest(hasher: Hasher): void {
    const hashes = this.#pageHashes ?? new Uint32Array(4 * this.pageCount);
    this.#pageHashes = hashes;
    this.#forEachChunkWith(PAGE_UNHASHED, (chunk) => {
      this.#forEachPageWith(PAGE_UNHASHED, chunk, (page) => {
        this.flags[page] = (this.flags[page] as number) & ~PAGE_UNHASHED;
        const hash = this.#hashPage(page);
        for (let lane = 0; lane < 4; lane += 1) {
          const at = 4 * page + lane;
          this.#sum[lane] =
            (this.#sum[lane] as number) - (hashes[at] as number) + (hash[lane] as number);
          hashes[at] = hash[lane] as number;
        }
      });
    });
    this.onFlagsCleared?.();
    hasher.f64(this.sizeBytes);
    for (const word of this.#sum) hasher.u32(word);
  }

  /** The four words of a page; zeros for a page of zeros, so that a memory never touched costs nothing. */
  #hashPage(page: number): readonly number[] {
    const from = page * WORDS_PER_PAGE;
    let bits = 0;
    for (let i = from; i < from + WORDS_PER_PAGE && bits === 0; i += 1) {
      bits = this.#words[i] as number;
    }
    if (bits === 0) return [0, 0, 0, 0];
    const hasher = new Hasher(page);
    hasher.words(this.#words, from, WORDS_PER_PAGE);
    return hasher.finish();
  }

  #restoreChunk(chunk: number, wanted: ChunkImage): void {
    const held = this.#chunks[chunk] as ChunkImage;
    const first = chunk << CHUNK_SHIFT;
    const count = Math.min(PAGES_PER_CHUNK, this.pageCount - first);
    for (let i = 0; i < count; i += 1) {
      const page = first + i;
      const flags = this.flags[page] as number;
      const image = wanted[i] as PageImage;
      if ((flags & PAGE_UNSAVED) === 0 && held[i] === image) continue;
      this.bytes.set(image.bytes, page * PAGE_SIZE);
      this.flags[page] = (flags & ~PAGE_UNSAVED) | PAGE_UNHASHED;
      if ((flags & PAGE_ENGINE_BITS) !== 0) this.onPageChanged?.(page);
    }
    this.#chunks[chunk] = wanted;
  }

  #touchPage(page: number): void {
    const flags = this.flags[page] as number;
    this.flags[page] = flags | WRITTEN;
    if ((flags & PAGE_ENGINE_BITS) !== 0) this.onPageChanged?.(page);
  }

  #touchSmall(address: number, size: number): void {
    const first = address >>> PAGE_SHIFT;
    const last = (address + size - 1) >>> PAGE_SHIFT;
    this.#touchPage(first);
    if (last !== first) this.#touchPage(last);
  }

  #chunkHas(bit: number, chunk: number): boolean {
    const mask = bit * 0x01010101;
    const from = chunk * (PAGES_PER_CHUNK / 4);
    for (let i = from; i < from + PAGES_PER_CHUNK / 4; i += 1) {
      if (((this.#flagWords[i] as number) & mask) !== 0) return true;
    }
    return false;
  }

  #forEachChunkWith(bit: number, visit: (chunk: number) => void): void {
    for (let chunk = 0; chunk < this.#chunks.length; chunk += 1) {
      if (this.#chunkHas(bit, chunk)) visit(chunk);
    }
  }

  #forEachPageWith(bit: number, chunk: number, visit: (page: number) => void): void {
    const first = chunk << CHUNK_SHIFT;
    const end = Math.min(first + PAGES_PER_CHUNK, this.pageCount);
    for (let page = first; page < end; page += 1) {
      if (((this.flags[page] as number) & bit) !== 0) visit(page);
    }
  }
}

/** The first byte address at which two images of one size differ, or null. Shared pages are passed over unread. */
export function firstDifferentByte(a: MemoryImage, b: MemoryImage): number | null {
  for (let chunk = 0; chunk < a.chunks.length; chunk += 1) {
    const left = a.chunks[chunk] as ChunkImage;
    const right = b.chunks[chunk] as ChunkImage;
    if (left === right) continue;
    for (let i = 0; i < PAGES_PER_CHUNK; i += 1) {
      const p = (left[i] as PageImage).bytes;
      const q = (right[i] as PageImage).bytes;
      if (p === q) continue;
      const at = p.findIndex((byte, k) => byte !== q[k]);
      if (at >= 0) return ((chunk << CHUNK_SHIFT) + i) * PAGE_SIZE + at;
    }
  }
  return null;
}

/**
 * Memories given back by worlds that ended, so that the next fork copies only what differs. Browsers allow about
 * 124 live memories and free them late; a pool also bounds that.
 */
export class MemoryPool {
  readonly #free: PagedMemory[] = [];
  readonly #limit: number;

  constructor(limit = 16) {
    this.#limit = limit;
  }

  /** A memory whose content is `image`, or zeros: the free one nearest to it, or a new one. The engine's part is zeros. */
  take(sizeBytes: number, engineBytes = 0, image: MemoryImage | null = null): PagedMemory {
    let nearest: PagedMemory | null = null;
    let least = Number.POSITIVE_INFINITY;
    const wanted = image ?? zeroImage(sizeBytes);
    for (const memory of this.#free) {
      if (memory.sizeBytes !== sizeBytes || memory.engineBytes !== engineBytes) continue;
      const pages = memory.distance(wanted);
      if (pages < least) {
        nearest = memory;
        least = pages;
      }
    }
    if (nearest === null) {
      nearest = new PagedMemory(sizeBytes, engineBytes);
    } else {
      this.#free.splice(this.#free.indexOf(nearest), 1);
      new Uint8Array(nearest.wasm.buffer, 0, engineBytes).fill(0);
    }
    nearest.restore(wanted);
    return nearest;
  }

  give(memory: PagedMemory): void {
    memory.onPageChanged = null;
    memory.onFlagsCleared = null;
    for (let page = 0; page < memory.pageCount; page += 1) {
      memory.flags[page] = (memory.flags[page] as number) & WRITTEN;
    }
    if (this.#free.length < this.#limit) this.#free.push(memory);
  }
}

function zeroImage(sizeBytes: number): MemoryImage {
  const chunkCount = Math.ceil(sizeBytes / PAGE_SIZE / PAGES_PER_CHUNK);
  return { sizeBytes, chunks: Array.from({ length: chunkCount }, () => ZERO_CHUNK) };
}
