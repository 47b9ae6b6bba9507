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
  const cr3 = state.control("CR3");
  const isPaged = state.has("CR0", BIT.CR0.PG);
  const wide = isLongMode(state) ? "4-level" : state.has("CR4", BIT.CR4.PAE) ? "PAE" : "32-bit";
  const walksPdptes = wide === "PAE" && from.walksPdptes;
  const { words } = state;
  return {
    paging: {
      mode: isPaged ? wide : "none",
      root: Number(cr3 & (walksPdptes ? 0xffff_ffe0n : 0x000f_ffff_ffff_f000n)),
      walksPdptes,
      pdptes: Array.from(
        words.subarray(OFFSET.pdptes / 4, OFFSET.pdptes / 4 + PDPTE_WORDS),
        (word) => word >>> 0,
      ),
      pse: state.has("CR4", BIT.CR4.PSE),
      pge: state.has("CR4", BIT.CR4.PGE),
      nxe: state.has("EFER", BIT.EFER.NXE),
      wp: state.has("CR0", BIT.CR0.WP),
      smep: isPaged && state.has("CR4", BIT.CR4.SMEP),
      smap: isPaged && state.has("CR4", BIT.CR4.SMAP),
      physicalBits: profile.physicalBits,
      gigabytePages: profile.features.has("Page1GB"),
      reservesBit8: profile.vendor === "amd",
    },
    owner,
    tag: tagOf(owner, state.has("CR4", BIT.CR4.PCIDE) ? Number(cr3 & 0xfffn) : 0),
    wraps: !isLongMode(state),
    isWatched: watches(state),
    isDirect: !isPaged && !hasSecond,
    registers: Int32Array.from(WORDS, (at, i) => (words[at] as number) & (MASKS[i] as number)),
  };
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
