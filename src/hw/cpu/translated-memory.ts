/**
 * Memory behind paging: each access is translated by the TLBs, and on a miss by a walk of the tables. Data and fetches
 * have a TLB each; a hit changes neither, so it does not matter whether an engine asks at every access or keeps what
 * it was told until it is told to forget it.
 */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import { type CpuProfile, INTEL } from "./cpuid/profile.ts";
import { dataBreakpoints } from "./debug.ts";
import { type Fault, GP0, VECTORS } from "./fault.ts";
import type { Accessor, DirectMemory } from "./mmu.ts";
import { checksAlignment } from "./mode.ts";
import {
  isAllowed,
  type PagingAccess,
  type PagingContext,
  isReservedPdpte,
  RIGHT,
  type Translation,
  UNREACHABLE,
  walk,
  type WalkStep,
} from "./paging.ts";
import type { PhysicalMemory } from "./physical-memory.ts";
import { GuestTables, KnownTables, type NestedAccess, type SecondLevel } from "./second-level.ts";
import { BIT, type CpuState, OFFSET } from "./state.ts";
import { ownerOf, type Tlb, tagOf } from "./tlb.ts";
import { contextOf, isStill, type TranslationContext } from "./translation-context.ts";

const PDPTES = 4;
const MAX_FETCH = 15;
const TWO_32 = 2 ** 32;

interface Access extends PagingAccess {
  readonly tlb: Tlb;
}

export class TranslatedMemory implements DirectMemory {
  onForget: ((linear: bigint | null) => void) | null = null;
  onForgetFetch: (() => void) | null = null;
  onForgetSide: ((side: Side) => void) | null = null;
  /** Told of each walk, entry by entry, by those who want to be shown. */
  onWalk: ((walk: WalkRecord) => void) | null = null;
  readonly #state: CpuState;
  readonly #profile: CpuProfile;
  readonly #memory: PhysicalMemory;
  readonly #dataTlb: Tlb;
  readonly #fetchTlb: Tlb;
  readonly #tables = new KnownTables();
  /** What was last used of each side. */
  #ofHost: TranslationContext | null = null;
  #ofGuest: TranslationContext | null = null;
  #side: Side = "host";
  #second: SecondLevel | null = null;
  /** Whose translations are made and found: of which virtual processor, through which tables below. */
  #owner = 0;
  #now: TranslationContext;
  #context: PagingContext;
  #tag = 0;

  constructor(
    state: CpuState,
    memory: PhysicalMemory,
    dataTlb: Tlb,
    fetchTlb: Tlb,
    profile: CpuProfile = INTEL,
  ) {
    this.#state = state;
    this.#profile = profile;
    this.#memory = memory;
    this.#dataTlb = dataTlb;
    this.#fetchTlb = fetchTlb;
    this.#now = this.#contextNow();
    this.#context = this.#now.paging;
    memory.onForget(() => this.onForget?.(null));
  }

  /** The TLBs' words, for the snapshot registry; after they are loaded `contextChanged` is due. */
  tlbWords(): readonly Uint32Array[] {
    return [this.#dataTlb.words, this.#fetchTlb.words];
  }

  /** Which numbers in the TLBs' words stand for which tables of the second level: state with them. */
  tableWords(): Uint32Array {
    return this.#tables.words;
  }

  /** To be called after a change of a control register, EFER, CPL or RFLAGS.AC. Invalidates nothing in the TLBs. */
  contextChanged(): void {
    this.#use(isStill(this.#now, this.#state, this.#owner) ? this.#now : this.#contextNow());
    this.#forgetSide();
  }

  /** A snapshot was loaded. */
  restored(): void {
    this.#ofHost = null;
    this.#ofGuest = null;
    this.contextChanged();
    this.#forgetAll();
  }

  /**
   * Goes over to a guest, or back to the host: VPID or ASID, and the second level, if there is one. Invalidates nothing
   * in the TLBs. What engines were told of a side stays valid if its context is what it was.
   */
  enter(side: Side, vpid: number, second: SecondLevel | null): void {
    this.#side = side;
    this.#second = second;
    const number = second === null ? 0 : this.#numberOf(second.root);
    this.#owner = ownerOf(vpid, number);
    const last = side === "host" ? this.#ofHost : this.#ofGuest;
    if (last !== null && isStill(last, this.#state, this.#owner)) {
      this.#use(last);
      return;
    }
    this.contextChanged();
  }

  #numberOf(root: number): number {
    return this.#tables.numberOf(root, (number) =>
      this.#invalidateOwners((owner) => owner >>> 16 === number),
    );
  }

  #use(context: TranslationContext): void {
    this.#now = context;
    if (this.#side === "host") this.#ofHost = context;
    else this.#ofGuest = context;
    this.#context = context.paging;
    this.#tag = context.tag;
  }

  /** INVVPID, INVLPGA, and TLB_CONTROL: all of a VPID or ASID, through whatever tables. */
  invalidateVpid(vpid: number, keepGlobal: boolean): void {
    this.#invalidateOwners((owner) => (owner & 0xffff) === vpid, keepGlobal);
  }

  /** All translations, whoever they belong to. */
  invalidateEverything(): void {
    this.#invalidateOwners(() => true);
  }

  /** INVVPID of all contexts: every VPID but that of the host. */
  invalidateVpids(): void {
    this.#invalidateOwners((owner) => (owner & 0xffff) !== 0);
  }

  /** INVVPID and INVLPGA of one address, global translations too. */
  invalidatePageOfVpid(vpid: number, linear: bigint): void {
    const { low, high } = halves(linear);
    for (const tlb of this.#tlbs()) tlb.invalidatePageOfVpid(low, high, vpid);
    this.#forgetAll();
  }

  /** INVEPT: all that was translated by some tables of the second level, or by any. */
  invalidateTables(root: number | null): void {
    const number = root === null ? null : this.#tables.find(root);
    if (number === 0) return;
    this.#invalidateOwners((owner) =>
      number === null ? owner >>> 16 !== 0 : owner >>> 16 === number,
    );
  }

  #invalidateOwners(is: (owner: number) => boolean, keepGlobal = false): void {
    for (const tlb of this.#tlbs()) tlb.invalidateOwners(is, keepGlobal);
    this.#forgetAll();
  }

  /** INVLPG (SDM Vol. 2, "INVLPG—Invalidate TLB Entries"). */
  invalidatePage(linear: bigint): void {
    this.#invalidatePage(linear, this.#tag, true);
  }

  invalidatePageOf(pcid: number, linear: bigint): void {
    this.#invalidatePage(linear, tagOf(this.#owner, pcid), false);
  }

  invalidatePcid(pcid: number): void {
    for (const tlb of this.#tlbs()) tlb.invalidateTag(tagOf(this.#owner, pcid));
    this.#forgetAll();
  }

  invalidateAll(keepGlobal: boolean): void {
    for (const tlb of this.#tlbs()) tlb.invalidateOwner(this.#owner, keepGlobal);
    this.#forgetAll();
  }

  loadPdptes(cr3: bigint): Fault | null {
    const named = Number(cr3 & 0xffff_ffe0n);
    const second = this.#second;
    if (second?.walksPdptes === true) return null;
    const at = second === null ? named : second.translate(named, PDPTE_ACCESS);
    if (at < 0) return second?.failure ?? GP0;
    const entries: bigint[] = [];
    for (let i = 0; i < PDPTES; i += 1) {
      const low = this.#memory.read32(at + 8 * i);
      const high = this.#memory.read32(at + 8 * i + 4);
      if (isReservedPdpte(this.#profile.physicalBits, low, high)) return GP0;
      entries.push((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
    }
    entries.forEach((entry, i) => {
      this.#state.view.setBigUint64(OFFSET.pdptes + 8 * i, entry, true);
    });
    return null;
  }

  read(
    linear: bigint,
    size: number,
    access: "read" | "modify",
    as: Accessor = "cpl",
  ): bigint | Fault {
    const place = this.#placeAtOnce(linear, size, access === "modify", as);
    if (place >= 0) return this.#memory.read(place, size);
    const places = this.#places(linear, size, access === "modify", as);
    if ("vector" in places) return places;
    const { first, inFirst, second } = places;
    const low = this.#memory.read(first, inFirst);
    if (inFirst === size) return low;
    return (this.#memory.read(second, size - inFirst) << BigInt(8 * inFirst)) | low;
  }

  write(linear: bigint, size: number, value: bigint, as: Accessor = "cpl"): Fault | null {
    const place = this.#placeAtOnce(linear, size, true, as);
    if (place >= 0) {
      this.#memory.write(place, size, value);
      return null;
    }
    const places = this.#places(linear, size, true, as);
    if ("vector" in places) return places;
    const { first, inFirst, second } = places;
    this.#memory.write(first, inFirst, value);
    if (inFirst < size) this.#memory.write(second, size - inFirst, value >> BigInt(8 * inFirst));
    return null;
  }

  translateFetch(linear: bigint): number | Fault {
    const { low, high } = halves(linear);
    return this.#translate(low, high, this.#access(false, true, "cpl"));
  }

  codeBytes(physical: number): Uint8Array {
    const count = Math.min(MAX_FETCH, PAGE_SIZE - (physical % PAGE_SIZE));
    return this.#memory.code(physical, count);
  }

  page(linear: bigint, access: "read" | "write"): number | null {
    const { isWatched, isDirect } = this.#now;
    if (isWatched || checksAlignment(this.#state)) return null;
    const { low, high } = halves(linear);
    const at = this.#dataTlb.find(low, high, this.#tag);
    if (!isDirect && at < 0) return null;
    if (isDirect && high !== 0) return null;
    const frame = isDirect ? low & ~0xfff : this.#dataTlb.frame(at);
    // A write has been allowed, so the translation is dirty.
    return frame < 0 ? null : this.#memory.place(frame, access);
  }

  watchCode(physical: number, changed: () => void): void {
    this.#memory.watchCode(physical, changed);
  }

  #invalidatePage(linear: bigint, tag: number, global: boolean): void {
    const { low, high } = halves(linear);
    const data = this.#dataTlb.invalidatePage(low, high, tag, global);
    if (data !== "nothing") this.onForget?.(data === "page" ? linear : null);
    const code = this.#fetchTlb.invalidatePage(low, high, tag, global);
    if (code !== "nothing") this.onForgetFetch?.();
  }

  #forgetAll(): void {
    this.onForget?.(null);
    this.onForgetFetch?.();
  }

  /** What engines were told while this side was current. */
  #forgetSide(): void {
    this.onForgetSide?.(this.#side);
  }

  #tlbs(): readonly Tlb[] {
    return [this.#dataTlb, this.#fetchTlb];
  }

  /** RFLAGS.AC opens user pages to explicit accesses only (SDM Vol. 3, "Determination of Access Rights"). */
  #access(write: boolean, fetch: boolean, as: Accessor): Access {
    const ac = as === "cpl" && this.#state.hasFlag(BIT.RFLAGS.AC);
    const tlb = fetch ? this.#fetchTlb : this.#dataTlb;
    const user = as === "user" || (as === "cpl" && this.#state.cpl === 3);
    return { write, fetch, user, ac, tlb };
  }

  #contextNow(): TranslationContext {
    const second = this.#second;
    return contextOf(this.#state, this.#profile, {
      owner: this.#owner,
      hasSecond: second !== null,
      walksPdptes: second?.walksPdptes ?? false,
    });
  }

  /**
   * The physical address of an access that is nothing but a hit in the TLB, or -1 for all others. What `#places` comes
   * to then, without the objects: instructions that enter and leave a system do a dozen of these each.
   */
  #placeAtOnce(linear: bigint, size: number, write: boolean, as: Accessor): number {
    const state = this.#state;
    const context = this.#context;
    const { isWatched, isDirect } = this.#now;
    if (isWatched || isDirect) return -1;
    whole[0] = linear;
    const low = parts[0] as number;
    const offset = low & 0xfff;
    if (offset + size > PAGE_SIZE) return -1;
    const tlb = this.#dataTlb;
    const at = tlb.find(low, (parts[1] as number) >>> 0, this.#tag);
    if (at < 0) return -1;
    const rights = tlb.rights(at);
    if (write && (rights & (RIGHT.write | RIGHT.dirty)) !== (RIGHT.write | RIGHT.dirty)) return -1;
    const user = as === "user" || (as === "cpl" && state.cpl === 3);
    if (user && ((rights & RIGHT.user) === 0 || checksAlignment(state))) return -1;
    if (!user && context.smap && (rights & RIGHT.user) !== 0) return -1;
    return tlb.frame(at) + offset;
  }

  #places(linear: bigint, size: number, write: boolean, as: Accessor): Places | Fault {
    const { low, high } = halves(linear);
    const access = this.#access(write, false, as);
    if (size > 1 && as === "cpl" && (low & (size - 1)) !== 0 && checksAlignment(this.#state)) {
      return { vector: VECTORS["#AC"], errorCode: 0, address: null };
    }
    if (this.#now.isWatched && as === "cpl")
      this.#state.pendingDebug |= dataBreakpoints(this.#state, linear, size, write);
    const first = this.#translate(low, high, access);
    if (typeof first !== "number") return first;
    const inFirst = Math.min(size, PAGE_SIZE - (first % PAGE_SIZE));
    if (inFirst === size) return { first, inFirst, second: 0 };
    // Outside IA-32e mode linear addresses have 32 bits.
    const bits = this.#now.wraps ? 32 : 64;
    const next = halves(BigInt.asUintN(bits, linear + BigInt(inFirst)));
    const second = this.#translate(next.low, next.high, access);
    return typeof second === "number" ? { first, inFirst, second } : second;
  }

  /** The physical address, or the page fault. */
  #translate(low: number, high: number, access: Access): number | Fault {
    const context = this.#context;
    if (this.#now.isDirect) return (low >>> 0) + (high >>> 0) * TWO_32;
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
    const found = this.#walk(access, low, high);
    if ("vector" in found) return found;
    const evicted = tlb.fill(low, high, this.#tag, found);
    if (evicted !== null) this.#translationLost(access, evicted.low, evicted.high);
    return found.frame + offset;
  }

  #walk(access: Access, low: number, high: number): Translation | Fault {
    if (this.onWalk === null) return this.#walkUnseen(access, low, high);
    const steps: WalkStep[] = [];
    const log = (step: WalkStep): void => {
      steps.push(step);
    };
    const second = this.#second;
    if (second !== null) second.log = log;
    const outcome = this.#walkUnseen(access, low, high, log);
    if (second !== null) second.log = null;
    const { write, fetch } = access;
    const kind = fetch ? "fetch" : write ? "write" : "read";
    this.onWalk({ linear: join(low, high), kind, steps, outcome });
    return outcome;
  }

  #walkUnseen(
    access: Access,
    low: number,
    high: number,
    log?: (step: WalkStep) => void,
  ): Translation | Fault {
    const second = this.#second;
    if (second !== null) return this.#walkTwice(second, access, low, high, log);
    const found = walk(this.#context, access, this.#memory, low, high, log);
    return typeof found === "number" ? pageFault(found, low, high) : found;
  }

  /** In two dimensions: the guest's tables, and below each of their entries and the page itself those of the host. */
  #walkTwice(
    second: SecondLevel,
    access: Access,
    low: number,
    high: number,
    log?: (step: WalkStep) => void,
  ): Translation | Fault {
    const { write, fetch, user } = access;
    const nested: NestedAccess = { write, fetch, user, table: false, linear: { low, high } };
    const found =
      this.#context.mode === "none"
        ? { frame: pageOf(low), rights: RIGHT.user | RIGHT.write | RIGHT.dirty }
        : walk(
            this.#context,
            access,
            new GuestTables(this.#memory, second, nested),
            low,
            high,
            log,
          );
    if (found === UNREACHABLE) return second.failure ?? GP0;
    if (typeof found === "number") return pageFault(found, low, high);
    const offset = low & 0xfff;
    // Whether an address is of user mode or of supervisor mode is told by the guest's tables, not by the CPL.
    const ofUser = (found.rights & RIGHT.user) !== 0;
    const physical = second.translate(found.frame + offset, { ...nested, user: ofUser });
    if (physical < 0) return second.failure ?? GP0;
    const { rights } = second;
    const taken = (rights & RIGHT.nestedReadOnly) === 0 ? 0 : RIGHT.write;
    const both = (found.rights & ~taken & ~RIGHT.dirty) | (rights & ~RIGHT.dirty);
    return { frame: physical - offset, rights: both | (found.rights & rights & RIGHT.dirty) };
  }

  #translationLost({ fetch }: Access, low: number, high: number): void {
    if (fetch) this.onForgetFetch?.();
    else this.onForget?.(join(low, high));
  }
}

/** Where the bytes of an access lie: `inFirst` of them from `first`, the rest from `second`. */
interface Places {
  readonly first: number;
  readonly inFirst: number;
  readonly second: number;
}

export type Side = "host" | "guest";

/** A walk as it was done: each entry read, in both dimensions, and what came of it. */
export interface WalkRecord {
  readonly linear: bigint;
  readonly kind: "read" | "write" | "fetch";
  readonly steps: readonly WalkStep[];
  readonly outcome: Translation | Fault;
}

/** The PDPTEs of a guest are read while CR3 is loaded. */
const PDPTE_ACCESS: NestedAccess = {
  write: false,
  fetch: false,
  user: true,
  table: true,
  linear: null,
};

const pageOf = (low: number): number => (low & ~0xfff) >>> 0;

const pageFault = (errorCode: number, low: number, high: number): Fault => ({
  vector: VECTORS["#PF"],
  errorCode,
  address: join(low, high),
});

/** A double word and its halves, without arithmetic on BigInt, which takes memory each time. */
const whole = new BigUint64Array(1);
const parts = new Int32Array(whole.buffer);

function halves(linear: bigint): { readonly low: number; readonly high: number } {
  whole[0] = linear;
  return { low: parts[0] as number, high: (parts[1] as number) >>> 0 };
}

const join = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
