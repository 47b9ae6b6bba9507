/**
 * Memory without paging, for programs that need none: a window of linear addresses that maps to the whole of a paged
 * memory; everything else faults as a page that is not present (SDM Vol. 3, "Page-Fault Exceptions").
 */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import { CodeWatch, HAS_CODE } from "./code-watch.ts";
import { type Fault, VECTORS } from "./fault.ts";
import { type DirectMemory, Untranslated } from "./mmu.ts";

const WRITE = 2;
const USER = 4;
const FETCH = 16;
const MAX_FETCH = 15;

export class FlatMemory extends Untranslated implements DirectMemory {
  onForget: ((linear: bigint | null) => void) | null = null;
  onForgetFetch: (() => void) | null = null;
  onForgetSide: ((side: "host" | "guest") => void) | null = null;
  readonly #memory: PagedMemory;
  readonly #start: bigint;
  readonly #code: CodeWatch;

  /** `start` is the linear address of byte 0 of the memory. */
  constructor(memory: PagedMemory, start: bigint) {
    super();
    this.#memory = memory;
    this.#start = start;
    this.#code = new CodeWatch(memory);
    memory.onFlagsCleared = () => this.onForget?.(null);
  }

  read(linear: bigint, size: number, access: "read" | "modify"): bigint | Fault {
    const at = this.#offset(linear, size);
    if (at === null) return this.#pageFault(linear, size, access === "modify" ? WRITE : 0);
    let value = 0n;
    for (let i = 0; i < size; i += 1) value |= BigInt(this.#memory.read8(at + i)) << BigInt(8 * i);
    return value;
  }

  write(linear: bigint, size: number, value: bigint): Fault | null {
    const at = this.#offset(linear, size);
    if (at === null) return this.#pageFault(linear, size, WRITE);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 1) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.#memory.write(at, bytes);
    return null;
  }

  /** A physical address is an offset in the memory. */
  translateFetch(linear: bigint): number | Fault {
    return this.#offset(linear, 1) ?? this.#pageFault(linear, 1, FETCH);
  }

  codeBytes(physical: number): Uint8Array {
    const count = Math.min(MAX_FETCH, PAGE_SIZE - (physical % PAGE_SIZE));
    return this.#memory.read(physical, count);
  }

  page(linear: bigint, access: "read" | "write"): number | null {
    const at = this.#offset(BigInt.asUintN(64, linear & -4096n), PAGE_SIZE);
    if (at === null) return null;
    const page = at / PAGE_SIZE;
    if (access === "write") {
      if (((this.#memory.flags[page] as number) & HAS_CODE) !== 0) return null;
      this.#memory.touch(at, PAGE_SIZE);
    }
    return this.#memory.base + at;
  }

  watchCode(physical: number, changed: () => void): void {
    if (this.#code.watch(physical, changed)) this.onForget?.(null);
  }

  #offset(linear: bigint, size: number): number | null {
    const offset = linear - this.#start;
    if (offset < 0n || offset + BigInt(size) > BigInt(this.#memory.sizeBytes)) return null;
    return Number(offset);
  }

  /** The address reported is the first byte that is not there. */
  #pageFault(linear: bigint, size: number, code: number): Fault {
    let address = linear;
    const end = linear + BigInt(size);
    while (address < end && this.#offset(address, 1) !== null) address += 1n;
    return { vector: VECTORS["#PF"], errorCode: code | USER, address: BigInt.asUintN(64, address) };
  }
}
