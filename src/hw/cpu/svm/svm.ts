/**
 * SVM: a guest between VMRUN and #VMEXIT. APM Vol. 2, "Secure Virtual Machine". The VMCB is read at each VMRUN, but for
 * the parts that its clean bits say to be unchanged: those are as the CPU remembers them.
 *
 * Not modelled: SMM, AVIC, virtual GIF, virtual NMI, virtual VMLOAD and VMSAVE, LBR virtualisation, SEV, SKINIT. Writes
 * of control registers are intercepted before they are found to be illegal.
 */

import { EVENT_CYCLES } from "../cycles.ts";
import { DR6 } from "../debug.ts";
import { linearOfCode } from "../decode-at.ts";
import type { Refusal } from "../environment.ts";
import type { VirtualizationParts } from "../make-virtualization.ts";
import { VECTORS } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { isLongMode } from "../mode.ts";
import { readSlot, slotOffset, writeSlot } from "../msr/slots.ts";
import { BIT, ACTIVITY, BLOCKING } from "../state.ts";
import type { Raised } from "../transfer/deliver.ts";
import type { Virtualization, VmExit } from "../virtualization.ts";
import { type WordPair, backwards, pairsOf, rememberedWords, wordCode } from "../word-code.ts";
import { Fields, hasNestedPaging, LOOKED_AT, refusalOf } from "./checks.ts";
import { eventOf } from "./events.ts";
import { PLACE, SVM_BYTES, type SvmExit, SvmGuest } from "./guest.ts";
import { EXIT_CODE } from "./intercepts.ts";
import { NestedPageTables } from "./npt.ts";
import {
  GUEST_WORDS,
  hostPaging,
  hostWords,
  KEPT,
  loadDerived,
  loadHidden,
  resetDr7,
  saveDerived,
  saveHidden,
} from "./state-areas.ts";
import {
  CLEAN_GROUPS,
  CONTROL_BYTES,
  EVENT,
  NEVER_CLEAN,
  TLB_CONTROL,
  VMCB,
  VMCB_BYTES,
} from "./vmcb.ts";

const ALL_CLEAN = (1 << CLEAN_GROUPS.length) - 1;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const FETCHED_BYTES = 15;
const FETCHED_AT = VMCB.bytesFetched + 1;
const PAT = slotOffset("IA32_PAT") / 4;
const [TSC_OFFSET, MULTIPLIER, TSC_RATIO] = (
  ["guest TSC offset", "guest TSC multiplier", "TSC_RATIO"] as const
).map((name) => slotOffset(name) / 4) as [number, number, number];
/** What the tables of the second level follow from, as words. */
const NESTED_OF = Int32Array.of(
  VMCB.nCr3 / 4,
  VMCB.nCr3 / 4 + 1,
  ...Object.values(KEPT).map((at) => PLACE.host / 4 + at),
);

const HOST_WORDS: readonly WordPair[] = [
  ...hostWords(PLACE.host),
  ...pairsOf(slotOffset("IA32_PAT"), PLACE.hostPat, 8),
];

/** Between the CPU's block and what SVM keeps, or within that; and from the VMCB in memory to its copy. */
const CODE = wordCode({
  moves: {
    saveHost: HOST_WORDS,
    loadHost: backwards(HOST_WORDS),
    loadGuest: backwards(GUEST_WORDS),
    saveGuest: GUEST_WORDS,
    read: NEVER_CLEAN.flatMap((at) => pairsOf(at, at, 4)),
  },
  differences: {},
});
/** Behind the state: what has passed the checks. */
const PASSED = rememberedWords(LOOKED_AT, SVM_BYTES);

/** A register of 8 bytes. */
function copy(from: Int32Array, at: number, to: Int32Array, place: number): void {
  to[place] = from[at] as number;
  to[place + 1] = from[at + 1] as number;
}
/** So that the ratio's 32 bits of fraction become the 48 of the multiplier. */
const RATIO_SHIFT = 16n;

export class Svm extends SvmGuest implements Virtualization {
  /** The same as words: the VMCB from the first on, and the host's state. */
  readonly #words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, SVM_BYTES / 4);
  readonly #host = this.#words.subarray(PLACE.host / 4);
  readonly #wide = new BigUint64Array(this.bytes.buffer, this.bytes.byteOffset, VMCB_BYTES / 8);
  readonly #ranges = {
    whole: this.bytes.subarray(0, VMCB_BYTES),
    control: this.bytes.subarray(VMCB.vintr, CONTROL_BYTES),
    state: this.bytes.subarray(VMCB.es, VMCB_BYTES),
  } as const;
  /** The tables of the last guest: derived from its VMCB and the state of its host. */
  #nested: NestedPageTables | null = null;
  readonly #nestedOf = new Int32Array(NESTED_OF.length);
  /** For what VMLOAD and VMSAVE pass through; no state. */
  readonly #page = new Uint8Array(VMCB_BYTES);
  readonly #pageWords = new Int32Array(this.#page.buffer);
  readonly #fields: Fields;
  readonly #code: ReturnType<typeof CODE>;
  readonly #passed: ReturnType<typeof PASSED>;
  /** Something has passed. */
  #hasPassed = false;
  /** Addresses in linear memory: of the CPU's block, and of what SVM keeps. */
  readonly #block: number;
  readonly #own: number;

  constructor(parts: VirtualizationParts) {
    super(parts);
    this.#fields = new Fields(this.view, parts.environment.profile);
    const { wasm } = parts.physical.ram;
    this.#code = CODE(wasm);
    this.#passed = PASSED(wasm);
    this.#block = parts.state.block;
    this.#own = this.bytes.byteOffset;
    this.reset("power-up");
  }

  // Entry.

  /** VMRUN: RIP is already that of the next instruction. */
  run(address: number): void {
    const { state } = this.parts;
    this.#saveHost();
    this.#read(address);
    state.cycles += EVENT_CYCLES.vmrun;
    const refusal = this.#check() ?? this.#refuseToNest();
    if (refusal !== null) {
      this.#refuse(refusal);
      return;
    }
    this.#code.loadGuest(this.#own, this.#block);
    loadDerived(state, this.#words, this.view.getUint8(VMCB.cpl));
    if (!this.#enter()) this.#refuse(PDPTES);
  }

  /** Checks are not made again while what they look at is as it was. */
  #check(): Refusal | null {
    if (this.#hasPassed && this.#passed.changed(this.#own, this.#own) === 0) return null;
    const refusal = refusalOf(this.#fields);
    this.#hasPassed = refusal === null;
    this.#passed.remember(this.#own, this.#own);
    return refusal;
  }

  /** Nested paging has the mode of the host's paging, so there has to be some (APM Vol. 2, "Enabling Nested Paging"). */
  #refuseToNest(): Refusal | null {
    const isPaged = this.parts.state.has("CR0", BIT.CR0.PG);
    return isPaged || !hasNestedPaging(this.#fields) ? null : NO_HOST_PAGING;
  }

  #refuse(refusal: Refusal): void {
    this.parts.environment.explain(refusal);
    this.#report({ reason: EXIT_CODE.INVALID, info1: 0n, info2: 0n, nextRip: 0n }, null);
    this.#write(VMCB.vintr, this.#ranges.control);
    this.#leave();
  }

  #saveHost(): void {
    const { state } = this.parts;
    this.#code.saveHost(this.#block, this.#own);
    const view = this.view;
    view.setInt32(PLACE.hostIf, state.hasFlag(BIT.RFLAGS.IF) ? 1 : 0, true);
    view.setInt32(PLACE.hostBlocking, state.blocking & BLOCKING.nmi, true);
  }

  /** The VMCB into the copy, but for what is clean. */
  #read(address: number): void {
    const view = this.view;
    const { physical } = this.parts;
    const isKnown = view.getFloat64(PLACE.remembered, true) === address;
    const clean = isKnown ? physical.read32(address + VMCB.clean) : 0;
    view.setFloat64(PLACE.address, address, true);
    view.setFloat64(PLACE.remembered, address, true);
    if (clean === 0 || !physical.isRam(address, VMCB_BYTES)) {
      physical.load(address, this.#ranges.whole);
      return;
    }
    if ((clean & ALL_CLEAN) !== ALL_CLEAN) this.#readGroups(address, clean);
    this.#code.read(physical.ram.base + address, this.#own);
  }

  #readGroups(address: number, clean: number): void {
    for (let bit = 0; bit < CLEAN_GROUPS.length; bit += 1)
      if ((clean & (1 << bit)) === 0)
        this.#readRanges(address, CLEAN_GROUPS[bit] as (typeof CLEAN_GROUPS)[number]);
  }

  #readRanges(address: number, ranges: (typeof CLEAN_GROUPS)[number]): void {
    const { physical } = this.parts;
    for (const [at, length] of ranges)
      for (let to = at; to < at + length; to += 4)
        this.#words[to / 4] = physical.read32(address + to);
  }

  /** False when the PDPTEs are not what they may be. */
  #enter(): boolean {
    const { state, memory } = this.parts;
    const view = this.view;
    const shadow = view.getInt32(VMCB.interruptShadow, true) & 1;
    state.blocking = (state.blocking & BLOCKING.nmi) | (shadow === 0 ? 0 : BLOCKING.sti);
    state.pendingDebug = 0;
    state.isGuest = true;
    this.#setTsc();
    const nested = hasNestedPaging(this.#fields);
    if (nested) copy(this.#words, VMCB.gPat / 4, state.words, PAT);
    this.#controlTlb();
    this.#translate(nested);
    view.setInt32(PLACE.pauses, view.getUint16(VMCB.pauseFilterCount, true), true);
    const injects = (view.getInt32(VMCB.eventInj, true) & EVENT.valid) !== 0;
    view.setInt32(PLACE.injects, injects ? 1 : 0, true);
    const usesPdptes =
      state.has("CR0", BIT.CR0.PG) && state.has("CR4", BIT.CR4.PAE) && !isLongMode(state);
    if (!usesPdptes) return true;
    const isRead = memory.loadPdptes(state.control("CR3")) === null;
    memory.contextChanged();
    return isRead;
  }

  #setTsc(): void {
    const { state } = this.parts;
    copy(this.#words, VMCB.tscOffset / 4, state.words, TSC_OFFSET);
    const { words } = state;
    const isOne = words[TSC_RATIO] === 0 && words[TSC_RATIO + 1] === 1;
    const multiplier = isOne ? 0n : readSlot(state, "TSC_RATIO") << RATIO_SHIFT;
    if (multiplier !== 0n || words[MULTIPLIER + 1] !== 0 || words[MULTIPLIER] !== 0)
      writeSlot(state, "guest TSC multiplier", multiplier);
  }

  #controlTlb(): void {
    const { memory } = this.parts;
    const asid = this.view.getInt32(VMCB.asid, true);
    const control = this.view.getUint8(VMCB.tlbControl);
    if (control === TLB_CONTROL.flushAll) memory.invalidateEverything();
    else if (control === TLB_CONTROL.flushAsid) memory.invalidateVpid(asid, false);
    else if (control === TLB_CONTROL.flushAsidNonGlobal) memory.invalidateVpid(asid, true);
  }

  #translate(nested: boolean): void {
    const asid = this.view.getInt32(VMCB.asid, true);
    this.parts.memory.enter("guest", asid, nested ? this.#tables() : null);
  }

  /** The tables of the second level are in the format of the host's paging at VMRUN. */
  #tables(): NestedPageTables {
    let isSame = this.#nested !== null;
    for (let i = 0; i < NESTED_OF.length; i += 1) {
      const word = this.#words[NESTED_OF[i] as number] as number;
      if (this.#nestedOf[i] === word) continue;
      this.#nestedOf[i] = word;
      isSame = false;
    }
    if (isSame && this.#nested !== null) return this.#nested;
    const { physical, environment } = this.parts;
    const paging = hostPaging(this.#host, this.address(VMCB.nCr3), environment.profile);
    this.#nested = new NestedPageTables(physical, paging);
    return this.#nested;
  }

  // Exit.

  exit(exit: VmExit, during: Raised | null): void {
    const { state } = this.parts;
    const view = this.view;
    const bytes = this.#fetched(exit as SvmExit);
    this.#code.saveGuest(this.#block, this.#own);
    saveDerived(state, this.#words);
    view.setUint8(VMCB.cpl, state.cpl);
    const shadow = (state.blocking & SHADOWS) === 0 ? 0 : 1;
    view.setInt32(VMCB.interruptShadow, shadow | (state.hasFlag(BIT.RFLAGS.IF) ? 2 : 0), true);
    if (hasNestedPaging(this.#fields)) copy(state.words, PAT, this.#words, VMCB.gPat / 4);
    this.#report(exit as SvmExit, during);
    if (bytes.length > 0 || view.getUint8(VMCB.bytesFetched) > 0) {
      view.setUint8(VMCB.bytesFetched, bytes.length);
      for (let i = 0; i < FETCHED_BYTES; i += 1) this.bytes[FETCHED_AT + i] = bytes[i] ?? 0;
    }
    this.#write(VMCB.vintr, this.#ranges.control);
    this.#write(VMCB.es, this.#ranges.state);
    state.cycles += costOf(exit.reason);
    this.#leave();
  }

  /** Bytes of the instruction that met a page fault on data (APM Vol. 2, "Decode Assists": "Guest Instruction Bytes"). */
  #fetched({ reason, info1 }: SvmExit): Uint8Array {
    const { state, memory } = this.parts;
    const isData = (info1 & 0x10n) === 0n;
    const isFaulting = reason === EXIT_CODE.NPF || reason === EXIT_CODE.exception0 + VECTORS["#PF"];
    if (!isFaulting || !isData) return NO_BYTES;
    const place = memory.translateFetch(linearOfCode(state, state.rip));
    return isFault(place) ? NO_BYTES : memory.codeBytes(place);
  }

  #report({ reason, info1, info2, nextRip }: SvmExit, during: Raised | null): void {
    const view = this.view;
    view.setInt32(VMCB.exitCode, reason, true);
    view.setInt32(VMCB.exitCode + 4, reason < 0 ? -1 : 0, true);
    this.#wide[VMCB.exitInfo1 / 8] = info1;
    this.#wide[VMCB.exitInfo2 / 8] = info2;
    this.#wide[VMCB.nRip / 8] = nextRip;
    view.setInt32(VMCB.exitIntInfo, during === null ? 0 : eventOf(during), true);
    view.setInt32(VMCB.exitIntInfo + 4, during?.errorCode ?? 0, true);
    view.setInt32(VMCB.eventInj, view.getInt32(VMCB.eventInj, true) & ~EVENT.valid, true);
  }

  /** Writes a part of the copy back. */
  #write(at: number, part: Uint8Array): void {
    const address = this.view.getFloat64(PLACE.address, true);
    this.parts.physical.store(address + at, part);
  }

  /** The host goes on with its state, and without GIF. A single step of VMRUN is over only now. */
  #leave(): void {
    const { state, memory } = this.parts;
    const view = this.view;
    this.#code.loadHost(this.#own, this.#block);
    resetDr7(state);
    state.blocking = BLOCKING.gif | view.getInt32(PLACE.hostBlocking, true);
    state.pendingDebug = state.hasFlag(BIT.RFLAGS.TF) ? DR6.BS : 0;
    state.isGuest = false;
    state.activity = ACTIVITY.active;
    memory.enter("host", 0, null);
  }

  // VMLOAD, VMSAVE, INVLPGA.

  load(address: number): void {
    const { state, physical, memory } = this.parts;
    physical.load(address, this.#page);
    loadHidden(state, this.#pageWords);
    memory.contextChanged();
  }

  save(address: number): void {
    const { state, physical } = this.parts;
    physical.load(address, this.#page);
    saveHidden(state, this.#pageWords);
    physical.store(address, this.#page);
  }

  invalidatePage(asid: number, linear: bigint): void {
    this.parts.memory.invalidatePageOfVpid(asid, linear);
  }

  // Elsewhere.

  /** Translations are found anew: the second level's object is derived. */
  restored(): void {
    const { state, memory } = this.parts;
    if (state.isGuest) this.#translate(hasNestedPaging(this.#fields));
    else memory.enter("host", 0, null);
  }

  reset(kind: "power-up" | "init"): void {
    if (kind === "power-up") this.bytes.fill(0);
    this.view.setFloat64(PLACE.remembered, -1, true);
    const { state, memory } = this.parts;
    if (!state.isGuest) return;
    state.isGuest = false;
    memory.enter("host", 0, null);
  }

  holdsInit(): boolean {
    return (this.parts.state.blocking & BLOCKING.gif) !== 0;
  }

  allowsControl(): boolean {
    return true;
  }

  deadline(): number {
    return Infinity;
  }

  isStepping(): boolean {
    return false;
  }

  stepped(): void {}

  iretUnblocksNmis(): boolean {
    return true;
  }
}

function costOf(reason: number): number {
  if (reason === EXIT_CODE.NPF) return EVENT_CYCLES.nestedPageFault;
  const isEvent = reason >= EXIT_CODE.exception0 && reason <= EXIT_CODE.VINTR;
  return isEvent ? EVENT_CYCLES.eventExit : EVENT_CYCLES.instructionExit;
}

const PDPTES: Refusal = {
  outcome: "VMEXIT_INVALID",
  check: "the PDPTEs have no reserved bits",
  field: "VMCB.cr3",
  value: 0n,
  section: 'APM Vol. 2, "Legacy PAE Mode"',
};

const NO_HOST_PAGING: Refusal = {
  outcome: "VMEXIT_INVALID",
  check: "nested paging has a host with paging",
  field: "VMCB.npEnable",
  value: 1n,
  section: 'APM Vol. 2, "Enabling Nested Paging"',
};

const NO_BYTES = new Uint8Array();
