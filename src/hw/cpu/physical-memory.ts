/**
 * Physical memory as CPUs see it: RAM from address 0, with pages of it that are read-only or belong to devices, and
 * devices beyond. All CPUs of a machine share one. Addresses that nobody answers read as ones and take no writes.
 */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import { CodeWatch } from "./code-watch.ts";

/** Where accesses go that are not RAM. `size` is 1, 2, 4 or 8 bytes; none crosses a page. */
export interface MemoryMappedIo {
  read(address: number, size: number): bigint;
  write(address: number, size: number, value: bigint): void;
}

const NOBODY: MemoryMappedIo = {
  read: (_address, size) => (1n << BigInt(8 * size)) - 1n,
  write: () => undefined,
};

export type PageKind = "ram" | "rom" | "device";
const KINDS: Readonly<Record<PageKind, number>> = { ram: 0, rom: 1, device: 2 };

export class PhysicalMemory {
  readonly ram: PagedMemory;
  readonly #io: MemoryMappedIo;
  readonly #kinds: Uint8Array;
  readonly #code: CodeWatch;
  readonly #listeners: (() => void)[] = [];

  constructor(ram: PagedMemory, io: MemoryMappedIo = NOBODY) {
    this.ram = ram;
    this.#io = io;
    this.#kinds = new Uint8Array(ram.pageCount);
    this.#code = new CodeWatch(ram);
    ram.onFlagsCleared = () => this.#forget();
  }

  /** `forget` is called when pages that were given out by `place` must be asked for again. */
  onForget(forget: () => void): void {
    this.#listeners.push(forget);
  }

  /** Says what the pages from an address on are; `bytes` is a number of whole pages. */
  setKind(address: number, bytes: number, kind: PageKind): void {
    this.#kinds.fill(KINDS[kind], address / PAGE_SIZE, (address + bytes) / PAGE_SIZE);
    // What was decoded there may be other code now.
    this.ram.touch(address, bytes);
    this.#forget();
  }

  /** True when all bytes from an address on are RAM that can be written. */
  isRam(address: number, size: number): boolean {
    if (!Number.isSafeInteger(address) || !this.ram.contains(address, size)) return false;
    if (size === 0) return true;
    const last = Math.floor((address + size - 1) / PAGE_SIZE);
    for (let page = Math.floor(address / PAGE_SIZE); page <= last; page += 1)
      if (this.#kinds[page] !== KINDS.ram) return false;
    return true;
  }

  /** Up to 8 bytes that lie in one page. */
  read(address: number, size: number): bigint {
    if (!this.#isMemory(address)) return readInParts(this.#io, address, size);
    const { ram } = this;
    if (size === 8) return ram.read64(address);
    if (size === 4) return BigInt(ram.read32(address));
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(ram.read8(address + i));
    return value;
  }

  write(address: number, size: number, value: bigint): void {
    const kind = this.#kindOf(address);
    if (kind === KINDS.device)
      writeInParts(this.#io, address, size, BigInt.asUintN(8 * size, value));
    if (kind !== KINDS.ram) return;
    if (size === 8) {
      this.ram.write64(address, value);
      return;
    }
    if (size === 4) {
      this.ram.write32(address, Number(BigInt.asUintN(32, value)));
      return;
    }
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 1) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.ram.write(address, bytes);
  }

  /** Page tables of a host are where they say (paging.ts). */
  locate(address: number): number {
    return address;
  }

  /** A word of a page table, unsigned. */
  read32(address: number): number {
    return this.#isMemory(address) ? this.ram.read32(address) : Number(this.#io.read(address, 4));
  }

  write32(address: number, value: number): void {
    if (this.#kindOf(address) === KINDS.ram) this.ram.write32(address, value);
    else this.write(address, 4, BigInt(value >>> 0));
  }

  read8(address: number): number {
    return this.#isMemory(address) ? this.ram.read8(address) : Number(this.#io.read(address, 1));
  }

  /** Fills `into`, which lies in one page, from an address on. */
  load(address: number, into: Uint8Array): void {
    if (this.isRam(address, into.length)) {
      into.set(this.ram.bytes.subarray(address, address + into.length));
      return;
    }
    for (let i = 0; i < into.length; i += 1) into[i] = this.read8(address + i);
  }

  /** Writes bytes that lie in one page. */
  store(address: number, bytes: Uint8Array): void {
    if (this.isRam(address, bytes.length)) this.ram.write(address, bytes);
    else bytes.forEach((byte, i) => this.write(address + i, 1, BigInt(byte)));
  }

  /** Instruction bytes, all in one page. */
  code(address: number, count: number): Uint8Array {
    if (this.#isMemory(address)) return this.ram.read(address, count);
    return Uint8Array.from({ length: count }, (_, i) => Number(this.#io.read(address + i, 1)));
  }

  /** Where the page of an address lies in linear memory, if it may be reached without this class from now on. */
  place(frame: number, access: "read" | "write"): number | null {
    const kind = this.#kindOf(frame);
    if (kind === KINDS.device || (access === "write" && kind !== KINDS.ram)) return null;
    if (access === "write" && this.ram.flags[frame / PAGE_SIZE] !== WRITTEN) return null;
    return this.ram.base + frame;
  }

  /** `changed` is called once, when the page of the address is written. */
  watchCode(address: number, changed: () => void): void {
    if (this.#code.watch(address, changed)) this.#forget();
  }

  #forget(): void {
    for (const forget of this.#listeners) forget();
  }

  #isMemory(address: number): boolean {
    return this.#kindOf(address) !== KINDS.device;
  }

  #kindOf(address: number): number {
    return this.#kinds[Math.floor(address / PAGE_SIZE)] ?? KINDS.device;
  }
}

const isBusSize = (size: number): boolean => (size & (size - 1)) === 0;

/** What is left of an access at the end of a page comes byte by byte. */
export function readInParts(io: MemoryMappedIo, address: number, size: number): bigint {
  if (isBusSize(size)) return io.read(address, size);
  let value = 0n;
  for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | io.read(address + i, 1);
  return value;
}

export function writeInParts(
  io: MemoryMappedIo,
  address: number,
  size: number,
  value: bigint,
): void {
  if (isBusSize(size)) return io.write(address, size, value);
  for (let i = 0; i < size; i += 1) io.write(address + i, 1, (value >> BigInt(8 * i)) & 0xffn);
}

/** Only pages whose flags say already that they were written, and that hold no code, take writes unseen. */
const WRITTEN = 3;
