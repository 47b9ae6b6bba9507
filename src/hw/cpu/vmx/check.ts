/** What checks of VM entry are made of: SDM Vol. 3, "VM Entries". A table has one row for each sentence of the manual. */

import type { CpuProfile } from "../cpuid/profile.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import { type FieldName, fieldOf, wordOf } from "./fields.ts";
import type { Vmcs } from "./vmcs.ts";

/** What a check may look at. */
export interface Entering {
  readonly vmcs: Vmcs;
  /** The words of the VMCS data. */
  readonly words: Uint32Array;
  readonly profile: CpuProfile;
  readonly memory: PhysicalMemory;
  readonly controls: Controls;
  /** IA32_EFER.LMA before the entry. */
  readonly isLongMode: boolean;
}

/** The control fields as they count: the secondary controls are 0 where they are not activated. */
export interface Controls {
  readonly pin: number;
  readonly primary: number;
  readonly secondary: number;
  readonly exit: number;
  readonly entry: number;
}

export interface Check {
  readonly name: string;
  /** The field whose value is told. */
  readonly field: FieldName;
  /** Title in SDM Vol. 3. */
  readonly section: string;
  readonly holds: (entering: Entering) => boolean;
  /** Exit qualification of the failure; 0 where not said. */
  readonly qualification?: number;
}

export const firstFailure = (checks: readonly Check[], entering: Entering): Check | null => {
  for (const check of checks) if (!check.holds(entering)) return check;
  return null;
};

/** Rows of one section. */
export const section = (
  title: string,
  rows: readonly (readonly [
    name: string,
    field: FieldName,
    holds: (entering: Entering) => boolean,
    qualification?: number,
  ])[],
): readonly Check[] =>
  rows.map(([name, field, holds, qualification]) => ({
    name,
    field,
    section: title,
    holds,
    ...(qualification === undefined ? {} : { qualification }),
  }));

// Predicates over fields. Those of 64 bits are looked at as two words.

const TWO_32 = 2 ** 32;

type Holds = (entering: Entering) => boolean;

export const isCanonicalField = (name: FieldName): Holds => {
  const at = wordOf(name) + 1;
  return ({ words }) => isCanonicalWord(words, at - 1);
};

/** The 64 bits at a word are a canonical address: bits 63 to 47 are alike. */
export const isCanonicalWord = (words: Uint32Array, at: number): boolean => {
  const high = (words[at + 1] as number) | 0;
  const top = high >> 15;
  return top === 0 || top === -1;
};

/** A physical address: `aligned` low bits are 0, and none is beyond the physical-address width. */
export const isPhysicalField = (name: FieldName, aligned: number): Holds => {
  const at = wordOf(name);
  return ({ words, profile }) => isPhysicalWord(words, at, aligned, profile);
};

export const isPhysicalWord = (
  words: Uint32Array,
  at: number,
  aligned: number,
  { physicalBits }: CpuProfile,
): boolean =>
  ((words[at] as number) & ((1 << aligned) - 1)) === 0 &&
  isBelow(words[at + 1] as number, physicalBits);

/** The high word of an address has no bit beyond the physical-address width. */
export const isBelow = (high: number, physicalBits: number): boolean =>
  high >>> (physicalBits - 32) === 0;

/** Of control fields: bits that must be 1 are, and all others are offered. */
export const isOffered = (value: number, mustBe: number, mayBe: number): boolean =>
  (value & mustBe) === (mustBe | 0) && (value & ~(mustBe | mayBe)) === 0;

export const isSet = (value: number, bit: number): boolean => (value & bit) !== 0;

/** An area of MSRs: aligned, and all of it within the physical-address width. */
export const isMsrArea = (address: FieldName, count: FieldName): Holds => {
  const [at, countAt] = [wordOf(address), wordOf(count)];
  return ({ words, vmcs, profile }) => {
    const entries = words[countAt] as number;
    if (entries === 0) return true;
    const last = vmcs.address(at) + 16 * entries - 1;
    return (
      isPhysicalWord(words, at, 4, profile) &&
      isBelow(Math.floor(last / TWO_32), profile.physicalBits)
    );
  };
};

/** Each byte of a value of IA32_PAT is a memory type that exists. */
export const isPatField = (name: FieldName): Holds => {
  const at = wordOf(name);
  return ({ words }) => [0, 1].every((half) => isPatWord(words[at + half] as number));
};

const isPatWord = (word: number): boolean =>
  [0, 8, 16, 24].every((shift) => {
    const type = (word >>> shift) & 0xff;
    return type <= 7 && type !== 2 && type !== 3;
  });

/** Of what the trace is told of a failure. */
export const valueOf = ({ vmcs }: Entering, name: FieldName): bigint => vmcs.read(fieldOf(name));
