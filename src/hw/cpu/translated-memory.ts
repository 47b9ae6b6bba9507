/**
 * Memory behind paging: each access is translated by the TLBs, and on a miss by a walk of the tables. Data and fetches
 * have a TLB each; a hit changes neither, so it does not matter whether an engine asks at every access or keeps what
 * it was told until it is told to forget it.
 *
 * Physical addresses beyond memory read as ones and take no writes.
 */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import { CodeWatch } from "./code-watch.ts";
import { type Fault, VECTORS } from "./fault.ts";
import type { DirectMemory } from "./mmu.ts";
import { isAllowed, type PagingAccess, type PagingContext, RIGHT, walk } from "./paging.ts";
import type { CpuState } from "./state.ts";
import { type Tlb, tagOf } from "./tlb.ts";

const CR0 = { PE: 1n, WP: 1n << 16n, PG: 1n << 31n } as const;
const CR4 = { PSE: 1n << 4n, PAE: 1n << 5n, PCIDE: 1n << 17n, SMEP: 1n << 20n, SMAP: 1n << 21n };
const EFER = { LMA: 1n << 10n, NXE: 1n << 11n } as const;
const RFLAGS_AC = 1n << 18n;
const MAX_FETCH = 15;
const TWO_32 = 2 ** 32;

const WRITTEN = 3;

interface Access extends PagingAccess {
  readonly tlb: Tlb;
}

export class TranslatedMemory implements DirectMemory {
  onForget: ((linear: bigint | null) => void) | null = null;
  onForgetFetch: (() => void) | null = null;
  readonly #state: CpuState;
  readonly #memory: PagedMemory;
  readonly #dataTlb: Tlb;
  readonly #fetchTlb: Tlb;
  readonly #code: CodeWatch;
  #context: PagingContext;
  #tag = 0;

  constructor(state: CpuState, memory: PagedMemory, dataTlb: Tlb, fetchTlb: Tlb) {
    this.#state = state;
    this.#memory = memory;
    this.#dataTlb = dataTlb;
    this.#fetchTlb = fetchTlb;
    this.#context = this.#contextNow();
    this.#code = new CodeWatch(memory);
    memory.onFlagsCleared = () => this.onForget?.(null);
  }

  /** The TLBs' words, for the snapshot registry; after they are loaded `contextChanged` is due. */
  tlbWords(): readonly Uint32Array[] {
    return [this.#dataTlb.words, this.#fetchTlb.words];
  }

  /** To be called after a change of a control register, EFER, CPL or RFLAGS.AC. Invalidates nothing in the TLBs. */
  contextChanged(): void {
    this.#context = this.#contextNow();
    this.#forgetAll();
  }

  /** INVLPG (SDM Vol. 2, "INVLPG—Invalidate TLB Entries"). */
  invalidatePage(linear: bigint): void {
    const { low, high } = halves(linear);
    for (const tlb of [this.#dataTlb, this.#fetchTlb]) tlb.invalidatePage(low, high, this.#tag);
    this.#forgetAll();
  }

  /** What a MOV to CR3 without bit 63 invalidates: all but the global translations of the PCID now current. */
  invalidateCurrent(): void {
    for (const tlb of [this.#dataTlb, this.#fetchTlb]) tlb.invalidateTag(this.#tag);
    this.#forgetAll();
  }

  /** All translations, global ones too. */
  invalidateAll(): void {
    for (const tlb of [this.#dataTlb, this.#fetchTlb]) tlb.invalidateVpid(0, false);
    this.#forgetAll();
  }

  read(linear: bigint, size: number, access: "read" | "modify"): bigint | Fault {
    const places = this.#places(linear, size, access === "modify");
    if ("vector" in places) return places;
    let value = 0n;
    for (let i = 0; i < size; i += 1) {
      value |= BigInt(this.#readByte(placeOf(places, i))) << BigInt(8 * i);
    }
    return value;
  }

  write(linear: bigint, size: number, value: bigint): Fault | null {
    const places = this.#places(linear, size, true);
    if ("vector" in places) return places;
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 1) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.#writeBytes(places.first, bytes.subarray(0, places.inFirst));
    if (places.inFirst < size) this.#writeBytes(places.second, bytes.subarray(places.inFirst));
    return null;
  }

  translateFetch(linear: bigint): number | Fault {
    const { low, high } = halves(linear);
    return this.#translate(low, high, this.#access(false, true));
  }

  codeBytes(physical: number): Uint8Array {
    const count = Math.min(MAX_FETCH, PAGE_SIZE - (physical % PAGE_SIZE));
    return Uint8Array.from({ length: count }, (_, i) => this.#readByte(physical + i));
  }

  page(linear: bigint, access: "read" | "write"): number | null {
    const { low, high } = halves(linear);
    const at = this.#dataTlb.find(low, high, this.#tag);
    if (this.#context.mode !== "none" && at < 0) return null;
    if (this.#context.mode === "none" && high !== 0) return null;
    const frame = this.#context.mode === "none" ? low & ~0xfff : this.#dataTlb.frame(at);
    if (frame < 0 || frame + PAGE_SIZE > this.#memory.sizeBytes) return null;
    const page = frame / PAGE_SIZE;
    const flags = this.#memory.flags[page] as number;
    // A write has been allowed, so the translation is dirty.
    if (access === "write" && flags !== WRITTEN) return null;
    return this.#memory.base + frame;
  }

  watchCode(physical: number, changed: () => void): void {
    if (this.#code.watch(physical, changed)) this.onForget?.(null);
  }

  #forgetAll(): void {
    this.onForget?.(null);
    this.onForgetFetch?.();
  }

  #access(write: boolean, fetch: boolean): Access {
    const ac = (this.#state.rflags & RFLAGS_AC) !== 0n;
    const tlb = fetch ? this.#fetchTlb : this.#dataTlb;
    return { write, fetch, user: this.#state.cpl === 3, ac, tlb };
  }

  #contextNow(): PagingContext {
    const cr0 = this.#state.control("CR0");
    const cr3 = this.#state.control("CR3");
    const cr4 = this.#state.control("CR4");
    const efer = this.#state.control("EFER");
    const has = (value: bigint, bit: bigint): boolean => (value & bit) !== 0n;
    const paged = has(cr0, CR0.PG);
    const wide = has(efer, EFER.LMA) ? "4-level" : has(cr4, CR4.PAE) ? "PAE" : "32-bit";
    const mode = paged ? wide : "none";
    this.#tag = tagOf(0, has(cr4, CR4.PCIDE) ? Number(cr3 & 0xfffn) : 0);
    // PAE paging finds its four entries on a boundary of 32 bytes.
    const root = mode === "PAE" ? cr3 & 0xffff_ffe0n : cr3 & 0x000f_ffff_ffff_f000n;
    return {
      mode,
      root: Number(root),
      pse: has(cr4, CR4.PSE),
      nxe: has(efer, EFER.NXE),
      wp: has(cr0, CR0.WP),
      smep: has(cr4, CR4.SMEP),
      smap: has(cr4, CR4.SMAP),
      physicalBits: 40,
    };
  }

  #places(linear: bigint, size: number, write: boolean): Places | Fault {
    const { low, high } = halves(linear);
    const access = this.#access(write, false);
    const first = this.#translate(low, high, access);
    if (typeof first !== "number") return first;
    const inFirst = Math.min(size, PAGE_SIZE - (first % PAGE_SIZE));
    if (inFirst === size) return { first, inFirst, second: 0 };
    const next = halves(BigInt.asUintN(64, linear + BigInt(inFirst)));
    const second = this.#translate(next.low, next.high, access);
    return typeof second === "number" ? { first, inFirst, second } : second;
  }

  /** The physical address, or the page fault. */
  #translate(low: number, high: number, access: Access): number | Fault {
    const context = this.#context;
    if (context.mode === "none") return (low >>> 0) + (high >>> 0) * TWO_32;
    const { tlb } = access;
    const offset = low & 0xfff;
    const at = tlb.find(low, high, this.#tag);
    if (at >= 0) {
      const rights = tlb.rights(at);
      const needsDirty = access.write && (rights & RIGHT.dirty) === 0;
      if (!needsDirty && isAllowed(context, access, rights)) return tlb.frame(at) + offset;
      // What is cached does not allow it: the tables are asked again before a fault is raised.
      tlb.drop(at);
      this.#translationLost(access, low, high);
    }
    const found = walk(context, access, this, low, high);
    if (typeof found === "number") {
      return { vector: VECTORS["#PF"], errorCode: found, address: join(low, high) };
    }
    const evicted = tlb.fill(low, high, this.#tag, found);
    if (evicted !== null) this.#translationLost(access, evicted.low, evicted.high);
    return found.frame + offset;
  }

  #translationLost({ fetch }: Access, low: number, high: number): void {
    if (fetch) this.onForgetFetch?.();
    else this.onForget?.(join(low, high));
  }

  // Physical memory, for walks and accesses.

  read32(address: number): number {
    return this.#memory.contains(address, 4) ? this.#memory.read32(address) : 0xffff_ffff;
  }

  write32(address: number, value: number): void {
    if (this.#memory.contains(address, 4)) this.#memory.write32(address, value);
  }

  #readByte(address: number): number {
    return this.#memory.contains(address, 1) ? this.#memory.read8(address) : 0xff;
  }

  #writeBytes(address: number, bytes: Uint8Array): void {
    if (this.#memory.contains(address, bytes.length)) this.#memory.write(address, bytes);
  }
}

/** Where the bytes of an access lie: `inFirst` of them from `first`, the rest from `second`. */
interface Places {
  readonly first: number;
  readonly inFirst: number;
  readonly second: number;
}

const placeOf = ({ first, inFirst, second }: Places, i: number): number =>
  i < inFirst ? first + i : second + i - inFirst;

const halves = (linear: bigint): { readonly low: number; readonly high: number } => ({
  low: Number(linear & 0xffff_ffffn) | 0,
  high: Number((linear >> 32n) & 0xffff_ffffn),
});

const join = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
