/** What translations depend on beside tables: SDM Vol. 3, "Paging Modes and Control Bits"; "Process-Context Identifiers (PCIDs)". */

import type { CpuProfile } from "./cpuid/profile.ts";
import { watches } from "./debug.ts";
import { isLongMode } from "./mode.ts";
import type { PagingContext } from "./paging.ts";
import { BIT, controlOffset, type CpuState, OFFSET, RFLAGS } from "./state.ts";
import { tagOf } from "./tlb.ts";

const PDPTE_WORDS = 8;

export interface TranslationContext {
  readonly paging: PagingContext;
  /** Of which virtual processor, through which tables of the second level. */
  readonly owner: number;
  readonly tag: number;
  /** Linear addresses have 32 bits. */
  readonly wraps: boolean;
  /** Breakpoints may be met. */
  readonly isWatched: boolean;
  /** Linear addresses are physical ones. */
  readonly isDirect: boolean;
  /** What it was derived from. */
  readonly registers: Int32Array;
}

/** Offsets of the words, and what of each matters. */
const SOURCES: readonly (readonly [offset: number, mask: number])[] = [
  ...(["CR0", "CR4", "EFER"] as const).map((name) => [controlOffset(name), -1] as const),
  [controlOffset("CR3"), -1],
  [controlOffset("CR3") + 4, -1],
  [OFFSET.rflags, Number(RFLAGS.AC)],
  [OFFSET.debug + 8 * 5, -1],
  ...Array.from({ length: PDPTE_WORDS }, (_, i) => [OFFSET.pdptes + 4 * i, -1] as const),
];
/** Only PAE paging looks at the last ones, and which paging it is the first ones say. */
const WITHOUT_PDPTES = SOURCES.length - PDPTE_WORDS;
const WORDS = Int32Array.from(SOURCES, ([offset]) => offset / 4);
const MASKS = Int32Array.from(SOURCES, ([, mask]) => mask);

export function contextOf(
  state: CpuState,
  profile: CpuProfile,
  from: { readonly owner: number; readonly hasSecond: boolean; readonly walksPdptes: boolean },
): TranslationContext {
  const { owner, hasSecond } = from;
  const paging = pagingOf(state, profile, from.walksPdptes);
  const pcid = state.has("CR4", BIT.CR4.PCIDE) ? (state.words[CR3] as number) & 0xfff : 0;
  return {
    paging,
    owner,
    tag: tagOf(owner, pcid),
    wraps: !isLongMode(state),
    isWatched: watches(state),
    isDirect: paging.mode === "none" && !hasSecond,
    registers: registersOf(state),
  };
}

/** What a walk of the tables depends on. */
export function pagingOf(
  state: CpuState,
  { physicalBits, features, vendor }: CpuProfile,
  mayWalkPdptes: boolean,
): PagingContext {
  const isPaged = state.has("CR0", BIT.CR0.PG);
  const wide = isLongMode(state) ? "4-level" : state.has("CR4", BIT.CR4.PAE) ? "PAE" : "32-bit";
  const walksPdptes = wide === "PAE" && mayWalkPdptes;
  const low = state.words[CR3] as number;
  const high = walksPdptes ? 0 : (state.words[CR3 + 1] as number) & 0xf_ffff;
  return {
    mode: isPaged ? wide : "none",
    root: ((low & (walksPdptes ? ~0x1f : ~0xfff)) >>> 0) + high * TWO_32,
    walksPdptes,
    pdptes: isPaged && wide === "PAE" ? pdptesOf(state) : NO_PDPTES,
    pse: state.has("CR4", BIT.CR4.PSE),
    pge: state.has("CR4", BIT.CR4.PGE),
    nxe: state.has("EFER", BIT.EFER.NXE),
    wp: state.has("CR0", BIT.CR0.WP),
    smep: isPaged && state.has("CR4", BIT.CR4.SMEP),
    smap: isPaged && state.has("CR4", BIT.CR4.SMAP),
    physicalBits,
    gigabytePages: features.has("Page1GB"),
    reservesBit8: vendor === "amd",
  };
}

const CR3 = controlOffset("CR3") / 4;
const TWO_32 = 2 ** 32;
const NO_PDPTES: readonly number[] = [];

function pdptesOf({ words }: CpuState): readonly number[] {
  const all: number[] = [];
  for (let i = 0; i < PDPTE_WORDS; i += 1) all.push((words[OFFSET.pdptes / 4 + i] as number) >>> 0);
  return all;
}

/** A loop: to make an array from another by a function takes ten times as long. */
function registersOf({ words }: CpuState): Int32Array {
  const all = new Int32Array(WORDS.length);
  for (let i = 0; i < WORDS.length; i += 1)
    all[i] = (words[WORDS[i] as number] as number) & (MASKS[i] as number);
  return all;
}

/** The same registers and the same owner as then. */
export function isStill(
  { owner, registers, paging }: TranslationContext,
  { words }: CpuState,
  now: number,
): boolean {
  if (owner !== now) return false;
  const count = paging.mode === "PAE" ? WORDS.length : WITHOUT_PDPTES;
  for (let i = 0; i < count; i += 1)
    if (registers[i] !== ((words[WORDS[i] as number] as number) & (MASKS[i] as number)))
      return false;
  return true;
}
