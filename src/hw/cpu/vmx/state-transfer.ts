/**
 * Registers on their way between the VMCS data and the CPU's block: SDM Vol. 3, "Loading Guest State", "Saving Guest
 * State", "Loading Host State". Words of 32 bits are copied, by lists made once.
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
import { TIMER_SHIFT } from "./capabilities.ts";
import type { Controls } from "./check.ts";
import { ENTRY, EXIT, PIN, SECONDARY } from "./controls.ts";
import { type FieldName, GUEST_SEGMENTS, SEGMENT_BYTES, SEGMENTS, wordOf } from "./fields.ts";
import type { Vmcs } from "./vmcs.ts";

/** Pairs of a word of the VMCS data and one of the block. */
type Pairs = readonly (readonly [number, number])[];

const both = (field: FieldName, offset: number): Pairs => [
  [wordOf(field), offset >> 2],
  [wordOf(field) + 1, (offset >> 2) + 1],
];

const SEGMENT_WORDS = 5;
const segmentInBlock = (i: number): number =>
  i < 6 ? OFFSET.segments + SEGMENT_BYTES * i : OFFSET.systemSegments + SEGMENT_BYTES * (i - 6);

const table = (name: "GDTR" | "IDTR"): Pairs => {
  const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
  return [...both(`Guest ${name} base`, at), [wordOf(`Guest ${name} limit`), (at + 8) >> 2]];
};

const DEBUG_7 = OFFSET.debug + 8 * 5;
const RSP = OFFSET.gpr + 8 * 4;
const slot = (name: SlotName): number => slotOffset(name);

/** All that goes to and fro at each entry and exit. */
const ALWAYS: Pairs = [
  ...GUEST_SEGMENTS.flatMap(
    (_, i): Pairs =>
      Array.from({ length: SEGMENT_WORDS }, (_unused, word) => [
        (SEGMENTS + SEGMENT_BYTES * i + 4 * word) >> 2,
        (segmentInBlock(i) + 4 * word) >> 2,
      ]),
  ),
  ...table("GDTR"),
  ...table("IDTR"),
  ...both("Guest CR3", controlOffset("CR3")),
  ...both("Guest CR4", controlOffset("CR4")),
  ...both("Guest RSP", RSP),
  ...both("Guest RIP", OFFSET.rip),
  ...both("Guest RFLAGS", OFFSET.rflags),
  [wordOf("Guest IA32_SYSENTER_CS"), slot("IA32_SYSENTER_CS") >> 2],
  ...both("Guest IA32_SYSENTER_ESP", slot("IA32_SYSENTER_ESP")),
  ...both("Guest IA32_SYSENTER_EIP", slot("IA32_SYSENTER_EIP")),
];
const flatten = (pairs: Pairs): Int32Array => Int32Array.from(pairs.flat());

const GUEST = flatten(ALWAYS);
const DEBUG = flatten([
  ...both("Guest DR7", DEBUG_7),
  ...both("Guest IA32_DEBUGCTL", slot("IA32_DEBUGCTL")),
]);
const PAT = flatten(both("Guest IA32_PAT", slot("IA32_PAT")));
const EFER_WORDS = flatten(both("Guest IA32_EFER", controlOffset("EFER")));
const PDPTES = flatten(
  [0, 1, 2, 3].flatMap((i) => both(`Guest PDPTE${i as 0 | 1 | 2 | 3}`, OFFSET.pdptes + 8 * i)),
);

const CR0_AT = controlOffset("CR0") >> 2;
const EFER_AT = controlOffset("EFER") >> 2;
const GUEST_CR0 = wordOf("Guest CR0");
const HOST_CR0 = wordOf("Host CR0");
const HOST_EFER = wordOf("Host IA32_EFER");
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
  #host: HostImage | null = null;

  constructor(state: CpuState, vmcs: Vmcs) {
    this.#state = state;
    this.#vmcs = vmcs;
    const { buffer, byteOffset } = state.view;
    this.#block = new Uint32Array(buffer, byteOffset, STATE_BYTES / 4);
  }

  /** The host-state area has changed. */
  forgetHost(): void {
    this.#host = null;
  }

  #toBlock(pairs: Int32Array): void {
    const [words, block] = [this.#vmcs.words, this.#block];
    for (let i = 0; i < pairs.length; i += 2)
      block[pairs[i + 1] as number] = words[pairs[i] as number] as number;
  }

  #fromBlock(pairs: Int32Array): void {
    const [words, block] = [this.#vmcs.words, this.#block];
    for (let i = 0; i < pairs.length; i += 2)
      words[pairs[i] as number] = block[pairs[i + 1] as number] as number;
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
    this.#toBlock(GUEST);
    const cr0 = words[GUEST_CR0] as number;
    this.#setCr0(cr0);
    if ((entry & ENTRY.loadDebugControls) !== 0) this.#toBlock(DEBUG);
    if ((entry & ENTRY.loadPat) !== 0) this.#toBlock(PAT);
    if ((entry & ENTRY.loadEfer) !== 0) this.#toBlock(EFER_WORDS);
    else {
      const long = (entry & ENTRY.ia32eModeGuest) !== 0;
      const efer = block[EFER_AT] as number;
      const active = long ? efer | LMA : efer & ~LMA;
      block[EFER_AT] = (cr0 & PG) === 0 ? active : long ? active | LME : active & ~LME;
    }
    if (pdptes && (secondary & SECONDARY.enableEpt) !== 0) this.#toBlock(PDPTES);
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
    this.#fromBlock(GUEST);
    words[GUEST_CR0] = block[CR0_AT] as number;
    words[GUEST_CR0 + 1] = 0;
    if ((exit & EXIT.saveDebugControls) !== 0) this.#fromBlock(DEBUG);
    if ((exit & EXIT.savePat) !== 0) this.#fromBlock(PAT);
    if ((exit & EXIT.saveEfer) !== 0) this.#fromBlock(EFER_WORDS);
    if ((secondary & SECONDARY.enableEpt) !== 0) this.#fromBlock(PDPTES);
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

  loadHost({ exit }: Controls): void {
    const state = this.#state;
    const block = this.#block;
    const { words } = this.#vmcs;
    const image = (this.#host ??= hostImage(this.#vmcs, exit));
    for (let i = 0; i < image.words.length; i += 1)
      block[image.words[i] as number] = image.values[i] as number;
    this.#setCr0(words[HOST_CR0] as number);
    if ((exit & EXIT.loadEfer) === 0) {
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

/** Words of the block and what an exit puts there. */
interface HostImage {
  readonly words: Int32Array;
  readonly values: Uint32Array;
}

const ACCESSED_DATA = 0x93;
const ACCESSED_CODE = 0x9b;
const BUSY_TSS = 0x8b;
const TSS_LIMIT = 0x67;
const WHOLE = 0xffff_ffff;
const TABLE_LIMIT = 0xffff;
const RFLAGS_AFTER = 2;
const DR7_AFTER = 0x400;

class ImageWriter {
  readonly words: number[] = [];
  readonly values: number[] = [];

  put(offset: number, ...values: readonly number[]): void {
    for (const [i, value] of values.entries()) {
      this.words.push((offset >> 2) + i);
      this.values.push(value);
    }
  }
}

/** SDM Vol. 3, "Loading Host Control Registers, Debug Registers, MSRs", "Loading Host Segment and Descriptor-Table Registers". */
function hostImage({ words }: Vmcs, exit: number): HostImage {
  const image = new ImageWriter();
  const low = (name: FieldName): number => words[wordOf(name)] as number;
  const high = (name: FieldName): number => words[wordOf(name) + 1] as number;
  const field = (name: FieldName, offset: number): void => image.put(offset, low(name), high(name));
  const wide = (exit & EXIT.hostAddressSpaceSize) !== 0;
  const rights = RIGHTS.granularity | ACCESSED_DATA | RIGHTS.big;
  for (const [i, name] of GUEST_SEGMENTS.entries()) {
    if (name === "LDTR" || name === "TR") continue;
    const selector = low(`Host ${name} selector`);
    const at = segmentInBlock(i);
    const hasBase = name === "FS" || name === "GS";
    image.put(at, ...(hasBase ? [low(`Host ${name} base`), high(`Host ${name} base`)] : [0, 0]));
    const code = RIGHTS.granularity | ACCESSED_CODE | (wide ? RIGHTS.long : RIGHTS.big);
    const data = selector === 0 ? RIGHTS.unusable | rights : rights;
    image.put(at + 8, WHOLE, name === "CS" ? code : data, selector);
  }
  image.put(segmentInBlock(6), 0, 0, 0, RIGHTS.unusable, 0);
  image.put(segmentInBlock(7), low("Host TR base"), high("Host TR base"), TSS_LIMIT, BUSY_TSS);
  image.put(segmentInBlock(7) + 16, low("Host TR selector"));
  for (const name of ["GDTR", "IDTR"] as const) {
    const at = name === "GDTR" ? OFFSET.gdtr : OFFSET.idtr;
    image.put(at, low(`Host ${name} base`), high(`Host ${name} base`), TABLE_LIMIT);
  }
  field("Host CR3", controlOffset("CR3"));
  field("Host CR4", controlOffset("CR4"));
  field("Host RSP", RSP);
  field("Host RIP", OFFSET.rip);
  image.put(OFFSET.rflags, RFLAGS_AFTER, 0);
  image.put(DEBUG_7, DR7_AFTER, 0);
  image.put(slot("IA32_DEBUGCTL"), 0, 0);
  image.put(slot("IA32_SYSENTER_CS"), low("Host IA32_SYSENTER_CS"), 0);
  field("Host IA32_SYSENTER_ESP", slot("IA32_SYSENTER_ESP"));
  field("Host IA32_SYSENTER_EIP", slot("IA32_SYSENTER_EIP"));
  if ((exit & EXIT.loadPat) !== 0) field("Host IA32_PAT", slot("IA32_PAT"));
  if ((exit & EXIT.loadEfer) !== 0)
    image.put(controlOffset("EFER"), words[HOST_EFER] as number, words[HOST_EFER + 1] as number);
  return { words: Int32Array.from(image.words), values: Uint32Array.from(image.values) };
}
