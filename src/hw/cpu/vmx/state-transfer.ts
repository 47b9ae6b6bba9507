/**
 * Registers on their way between the VMCS data and the CPU's block: SDM Vol. 3, "Loading Guest State", "Saving Guest
 * State", "Loading Host State". Words of 32 bits are moved by emitted code, from lists that serve both ways.
 */

import { type SlotName, slotOffset } from "../msr/slots.ts";
import {
  ACTIVITY,
  BLOCKING,
  CR0,
  type CpuState,
  controlOffset,
  EFER,
  OFFSET,
  RIGHTS,
  STATE_BYTES,
} from "../state.ts";
import { backwards, pairsOf, wordCode, type WordPair } from "../word-code.ts";
import { TIMER_SHIFT } from "./capabilities.ts";
import type { Controls } from "./check.ts";
import { ENTRY, EXIT, PIN, SECONDARY } from "./controls.ts";
import {
  DATA_BYTES,
  type FieldName,
  GUEST_SEGMENTS,
  placeOf,
  SEGMENT_BYTES,
  SEGMENTS,
  wordOf,
} from "./fields.ts";
import { type Vmcs, VMCS_DATA } from "./vmcs.ts";

/** Pairs of a place in the VMCS data and one in the block. */
type Pairs = readonly WordPair[];

const both = (field: FieldName, offset: number): Pairs => pairsOf(placeOf(field), offset, 8);
const one = (field: FieldName, offset: number): Pairs => pairsOf(placeOf(field), offset, 4);

/** Base, limit, access rights and selector. */
const SEGMENT_PARTS = 20;
const segmentInBlock = (i: number): number =>
  i < 6 ? OFFSET.segments + SEGMENT_BYTES * i : OFFSET.systemSegments + SEGMENT_BYTES * (i - 6);

const table = (name: "GDTR" | "IDTR"): Pairs => {
  const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
  return [...both(`Guest ${name} base`, at), ...one(`Guest ${name} limit`, at + 8)];
};

const DEBUG_7 = OFFSET.debug + 8 * 5;
const RSP = OFFSET.gpr + 8 * 4;
const slot = (name: SlotName): number => slotOffset(name);

/** All that goes to and fro at each entry and exit. */
const ALWAYS: Pairs = [
  ...GUEST_SEGMENTS.flatMap((_, i) =>
    pairsOf(SEGMENTS + SEGMENT_BYTES * i, segmentInBlock(i), SEGMENT_PARTS),
  ),
  ...table("GDTR"),
  ...table("IDTR"),
  ...both("Guest CR3", controlOffset("CR3")),
  ...both("Guest CR4", controlOffset("CR4")),
  ...both("Guest RSP", RSP),
  ...both("Guest RIP", OFFSET.rip),
  ...both("Guest RFLAGS", OFFSET.rflags),
  ...one("Guest IA32_SYSENTER_CS", slot("IA32_SYSENTER_CS")),
  ...both("Guest IA32_SYSENTER_ESP", slot("IA32_SYSENTER_ESP")),
  ...both("Guest IA32_SYSENTER_EIP", slot("IA32_SYSENTER_EIP")),
];
const DEBUG: Pairs = [
  ...both("Guest DR7", DEBUG_7),
  ...both("Guest IA32_DEBUGCTL", slot("IA32_DEBUGCTL")),
];
const PAT = both("Guest IA32_PAT", slot("IA32_PAT"));
const EFER_WORDS = both("Guest IA32_EFER", controlOffset("EFER"));
const PDPTES = ([0, 1, 2, 3] as const).flatMap((i) =>
  both(`Guest PDPTE${i}`, OFFSET.pdptes + 8 * i),
);

const CR0_AT = controlOffset("CR0") >> 2;
const EFER_AT = controlOffset("EFER") >> 2;
const GUEST_CR0 = wordOf("Guest CR0");
const HOST_CR0 = wordOf("Host CR0");
const ACTIVITY_FIELD = wordOf("Guest activity state");
const INTERRUPTIBILITY = wordOf("Guest interruptibility state");
const PENDING_DEBUG = wordOf("Guest pending debug exceptions");
const ENTRY_CONTROLS = wordOf("VM-entry controls");
const TIMER = wordOf("VMX-preemption timer value");
const TSC_OFFSET = wordOf("TSC offset");
const MULTIPLIER = wordOf("TSC multiplier");

/** Bits of CR0 that entries and exits load; the rest stays: ET, CD, NW and what is reserved. */
const CR0_LOADED =
  Number(CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM | CR0.PG) | 0;
const [LME, LMA] = [Number(EFER.LME), Number(EFER.LMA)];
const PG = 0x8000_0000 | 0;

/** B0 to B3, "enabled breakpoint" and BS of pending debug exceptions. */
const [BREAKPOINTS, ENABLED_BREAKPOINT, BS] = [0xf, 0x1000, 0x4000];

/** How often the VMX-preemption timer counts down, in cycles: IA32_VMX_MISC, bits 4 to 0. */
const TICK = 1 << TIMER_SHIFT;

// What an exit loads: SDM Vol. 3, "Loading Host Control Registers, Debug Registers, MSRs", "Loading Host Segment and
// Descriptor-Table Registers".

const ACCESSED_DATA = 0x93;
const ACCESSED_CODE = 0x9b;
const BUSY_TSS = 0x8b;
const TSS_LIMIT = 0x67;
const WHOLE = 0xffff_ffff;
const TABLE_LIMIT = 0xffff;
const RFLAGS_AFTER = 2;
const DR7_AFTER = 0x400;

/** Where in the block, how many bytes, and what they become, as words. */
type HostRow = readonly [
  offset: number,
  bytes: number,
  values: (vmcs: Uint32Array, exit: number) => readonly number[],
];

const fixed = (offset: number, ...values: readonly number[]): HostRow => [
  offset,
  4 * values.length,
  () => values,
];
type Reader<T> = (vmcs: Uint32Array) => T;
/** Fields are found by their names once: software that goes from guest to guest has this done at each exit. */
const low = (name: FieldName): Reader<number> => {
  const at = wordOf(name);
  return (vmcs) => vmcs[at] as number;
};
const wide = (name: FieldName): Reader<readonly [number, number]> => {
  const at = wordOf(name);
  return (vmcs) => [vmcs[at] as number, vmcs[at + 1] as number];
};
const field = (name: FieldName, offset: number): HostRow => [offset, 8, wide(name)];

const NO_BASE: Reader<readonly [number, number]> = () => [0, 0];

function hostSegment(name: "ES" | "CS" | "SS" | "DS" | "FS" | "GS", i: number): HostRow {
  const readSelector = low(`Host ${name} selector`);
  const readBase = name === "FS" || name === "GS" ? wide(`Host ${name} base`) : NO_BASE;
  return [
    segmentInBlock(i),
    SEGMENT_PARTS,
    (vmcs, exit) => {
      const selector = readSelector(vmcs);
      const isWide = (exit & EXIT.hostAddressSpaceSize) !== 0;
      const code = RIGHTS.granularity | ACCESSED_CODE | (isWide ? RIGHTS.long : RIGHTS.big);
      const rights = RIGHTS.granularity | ACCESSED_DATA | RIGHTS.big;
      const data = selector === 0 ? RIGHTS.unusable | rights : rights;
      return [...readBase(vmcs), WHOLE, name === "CS" ? code : data, selector];
    },
  ];
}

function hostTask(): HostRow {
  const [base, selector] = [wide("Host TR base"), low("Host TR selector")];
  return [
    segmentInBlock(7),
    SEGMENT_PARTS,
    (vmcs) => [...base(vmcs), TSS_LIMIT, BUSY_TSS, selector(vmcs)],
  ];
}

function hostTable(name: "GDTR" | "IDTR"): HostRow {
  const base = wide(`Host ${name} base`);
  const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
  return [at, 12, (vmcs) => [...base(vmcs), TABLE_LIMIT]];
}

function hostSysenterCs(): HostRow {
  const value = low("Host IA32_SYSENTER_CS");
  return [slot("IA32_SYSENTER_CS"), 8, (vmcs) => [value(vmcs), 0]];
}

const HOST: readonly HostRow[] = [
  ...(["ES", "CS", "SS", "DS", "FS", "GS"] as const).map(hostSegment),
  fixed(segmentInBlock(6), 0, 0, 0, RIGHTS.unusable, 0),
  hostTask(),
  hostTable("GDTR"),
  hostTable("IDTR"),
  field("Host CR3", controlOffset("CR3")),
  field("Host CR4", controlOffset("CR4")),
  field("Host RSP", RSP),
  field("Host RIP", OFFSET.rip),
  fixed(OFFSET.rflags, RFLAGS_AFTER, 0),
  fixed(DEBUG_7, DR7_AFTER, 0),
  fixed(slot("IA32_DEBUGCTL"), 0, 0),
  hostSysenterCs(),
  field("Host IA32_SYSENTER_ESP", slot("IA32_SYSENTER_ESP")),
  field("Host IA32_SYSENTER_EIP", slot("IA32_SYSENTER_EIP")),
];
const IMAGE_BYTES = HOST.reduce((sum, [, bytes]) => sum + bytes, 0);
/** From the VMCS data on. */
const IMAGE = DATA_BYTES;
/** What was derived from the VMCS data ends here. */
export const BEHIND_IMAGE = IMAGE + IMAGE_BYTES;

const imageWords = (): Pairs => {
  let from = IMAGE;
  return HOST.flatMap(([offset, bytes]) => {
    from += bytes;
    return pairsOf(from - bytes, offset, bytes);
  });
};

const CODE = wordCode({
  moves: {
    loadGuest: ALWAYS,
    loadDebug: DEBUG,
    loadPat: PAT,
    loadEfer: EFER_WORDS,
    loadPdptes: PDPTES,
    saveGuest: backwards(ALWAYS),
    saveDebug: backwards(DEBUG),
    savePat: backwards(PAT),
    saveEfer: backwards(EFER_WORDS),
    savePdptes: backwards(PDPTES),
    loadHost: imageWords(),
    loadHostPat: both("Host IA32_PAT", slot("IA32_PAT")),
    loadHostEfer: both("Host IA32_EFER", controlOffset("EFER")),
  },
  differences: {},
});

interface EventsOfEntry {
  /** An event is injected that takes the place of pending debug exceptions. */
  readonly isVectoring: boolean;
  /** The time-stamp counter is moved, and scaled. */
  readonly moves: boolean;
  readonly scales: boolean;
  /** When the entry has begun, in cycles: from then on the timer runs. */
  readonly since: number;
}

export class StateTransfer {
  readonly #state: CpuState;
  readonly #vmcs: Vmcs;
  /** The block by words. */
  readonly #block: Uint32Array;
  readonly #code: ReturnType<typeof CODE>;
  /** Addresses in linear memory: of the block, and of the VMCS data. */
  readonly #at: number;
  readonly #data: number;
  /** What an exit puts into the block, for CODE. */
  readonly #image: Uint32Array;
  #hasImage = false;

  constructor(state: CpuState, vmcs: Vmcs, wasm: WebAssembly.Memory) {
    this.#state = state;
    this.#vmcs = vmcs;
    const { buffer, byteOffset } = state.view;
    this.#block = new Uint32Array(buffer, byteOffset, STATE_BYTES / 4);
    this.#code = CODE(wasm);
    this.#at = byteOffset;
    this.#data = byteOffset + VMCS_DATA;
    this.#image = new Uint32Array(buffer, this.#data + IMAGE, IMAGE_BYTES / 4);
  }

  /** The host-state area has changed. */
  forgetHost(): void {
    this.#hasImage = false;
  }

  #setCr0(value: number): void {
    const block = this.#block;
    const kept = (block[CR0_AT] as number) & ~CR0_LOADED;
    block[CR0_AT] = kept | (value & CR0_LOADED);
  }

  /** Registers of the guest; pending events are `loadEvents`. */
  loadGuest({ entry, secondary }: Controls, pdptes: boolean): void {
    const { words } = this.#vmcs;
    const block = this.#block;
    this.#code.loadGuest(this.#data, this.#at);
    const cr0 = words[GUEST_CR0] as number;
    this.#setCr0(cr0);
    if ((entry & ENTRY.loadDebugControls) !== 0) this.#code.loadDebug(this.#data, this.#at);
    if ((entry & ENTRY.loadPat) !== 0) this.#code.loadPat(this.#data, this.#at);
    if ((entry & ENTRY.loadEfer) !== 0) this.#code.loadEfer(this.#data, this.#at);
    else {
      const long = (entry & ENTRY.ia32eModeGuest) !== 0;
      const efer = block[EFER_AT] as number;
      const active = long ? efer | LMA : efer & ~LMA;
      block[EFER_AT] = (cr0 & PG) === 0 ? active : long ? active | LME : active & ~LME;
    }
    if (pdptes && (secondary & SECONDARY.enableEpt) !== 0)
      this.#code.loadPdptes(this.#data, this.#at);
  }

  /** What is no register: activity, interruptibility, pending debug exceptions, the timer and the counter's offset. */
  loadEvents({ pin }: Controls, { isVectoring, moves, scales, since }: EventsOfEntry): void {
    const { words } = this.#vmcs;
    const state = this.#state;
    state.activity = words[ACTIVITY_FIELD] as number;
    state.blocking =
      (words[INTERRUPTIBILITY] as number) & (BLOCKING.sti | BLOCKING.movSs | BLOCKING.nmi);
    const debug = words[PENDING_DEBUG] as number;
    const isPending = !isVectoring && (debug & (ENABLED_BREAKPOINT | BS)) !== 0;
    state.pendingDebug = isPending ? debug & (BREAKPOINTS | BS) : 0;
    this.#vmcs.deadline =
      (pin & PIN.activatePreemptionTimer) === 0 ? Infinity : this.#deadline(since);
    const block = this.#block;
    for (const word of [0, 1]) {
      block[GUEST_TSC_OFFSET + word] = moves ? (words[TSC_OFFSET + word] as number) : 0;
      block[GUEST_TSC_MULTIPLIER + word] = scales ? (words[MULTIPLIER + word] as number) : 0;
    }
  }

  /** The timer counts down whenever a certain bit of the (host's) time-stamp counter changes. */
  #deadline(since: number): number {
    const offset = (this.#block[HOST_TSC_OFFSET] as number) % TICK;
    const into = ((since % TICK) + offset) % TICK;
    return since - into + (this.#vmcs.words[TIMER] as number) * TICK;
  }

  /** `keepsDebug`: debug exceptions that are pending stay so, instead of being lost. */
  saveGuest({ pin, exit, secondary }: Controls, keepsDebug: boolean): void {
    const { words, deadline } = this.#vmcs;
    const state = this.#state;
    const block = this.#block;
    this.#code.saveGuest(this.#at, this.#data);
    words[GUEST_CR0] = block[CR0_AT] as number;
    words[GUEST_CR0 + 1] = 0;
    if ((exit & EXIT.saveDebugControls) !== 0) this.#code.saveDebug(this.#at, this.#data);
    if ((exit & EXIT.savePat) !== 0) this.#code.savePat(this.#at, this.#data);
    if ((exit & EXIT.saveEfer) !== 0) this.#code.saveEfer(this.#at, this.#data);
    if ((secondary & SECONDARY.enableEpt) !== 0) this.#code.savePdptes(this.#at, this.#data);
    const isLong = ((block[EFER_AT] as number) & LMA) !== 0;
    const controls = words[ENTRY_CONTROLS] as number;
    words[ENTRY_CONTROLS] = isLong
      ? controls | ENTRY.ia32eModeGuest
      : controls & ~ENTRY.ia32eModeGuest;
    words[ACTIVITY_FIELD] = state.activity;
    words[INTERRUPTIBILITY] = state.blocking & (BLOCKING.sti | BLOCKING.movSs | BLOCKING.nmi);
    const debug = keepsDebug ? state.pendingDebug : 0;
    words[PENDING_DEBUG] = debug | ((debug & BREAKPOINTS) === 0 ? 0 : ENABLED_BREAKPOINT);
    words[PENDING_DEBUG + 1] = 0;
    if ((pin & PIN.activatePreemptionTimer) !== 0 && (exit & EXIT.savePreemptionTimer) !== 0)
      words[TIMER] = Math.max(0, Math.ceil((deadline - state.cycles) / TICK));
  }

  #makeImage(words: Uint32Array, exit: number): void {
    let at = 0;
    for (const [, , values] of HOST)
      for (const value of values(words, exit)) {
        this.#image[at] = value;
        at += 1;
      }
    this.#hasImage = true;
  }

  loadHost({ exit }: Controls): void {
    const state = this.#state;
    const block = this.#block;
    const { words } = this.#vmcs;
    if (!this.#hasImage) this.#makeImage(words, exit);
    this.#code.loadHost(this.#data, this.#at);
    if ((exit & EXIT.loadPat) !== 0) this.#code.loadHostPat(this.#data, this.#at);
    this.#setCr0(words[HOST_CR0] as number);
    if ((exit & EXIT.loadEfer) !== 0) this.#code.loadHostEfer(this.#data, this.#at);
    else {
      const efer = (block[EFER_AT] as number) & ~(LME | LMA);
      block[EFER_AT] = (exit & EXIT.hostAddressSpaceSize) === 0 ? efer : efer | LME | LMA;
    }
    state.activity = ACTIVITY.active;
    state.pendingDebug = 0;
    this.#vmcs.deadline = Infinity;
  }
}

const HOST_TSC_OFFSET = slot("TSC offset") >> 2;
const GUEST_TSC_OFFSET = slot("guest TSC offset") >> 2;
const GUEST_TSC_MULTIPLIER = slot("guest TSC multiplier") >> 2;
