/** What VMX tells of itself: SDM Vol. 3, "VMX Capability Reporting Facility" (appendix). */

import { cr4Bits } from "../control-registers.ts";
import type { CpuProfile } from "../cpuid/profile.ts";
import { CR0, CR4 } from "../state.ts";
import { DEFAULT1, OFFERED, TRUE_DEFAULT1 } from "./controls.ts";
import { HIGHEST_INDEX } from "./fields.ts";
import { REGION_BYTES, REVISION } from "./vmcs.ts";

const WRITE_BACK = 6n;
const bits = (...numbers: readonly number[]): bigint =>
  numbers.reduce((all, number) => all | (1n << BigInt(number)), 0n);

/** INS and OUTS report their instruction information; controls of default1 that may be 0 are in the TRUE MSRs. */
export const VMX_BASIC: bigint =
  BigInt(REVISION) | (BigInt(REGION_BYTES) << 32n) | (WRITE_BACK << 50n) | bits(54, 55);

/** Low half: bits that must be 1. High half: bits that may be 1. */
const allowed = (mustBe: number, mayBe: number): bigint =>
  BigInt(mustBe) | (BigInt((mustBe | mayBe) >>> 0) << 32n);

const defaults = (name: keyof typeof DEFAULT1): bigint =>
  BigInt(DEFAULT1[name]) | (BigInt((DEFAULT1[name] | OFFERED[name]) >>> 0) << 32n);
const truly = (name: keyof typeof TRUE_DEFAULT1): bigint =>
  BigInt(TRUE_DEFAULT1[name]) | (BigInt((DEFAULT1[name] | OFFERED[name]) >>> 0) << 32n);

/**
 * The VMX-preemption timer counts down when this bit of the time-stamp counter changes. Linux wants ten seconds to fit
 * into it.
 */
export const TIMER_SHIFT = 2;
export const CR3_TARGETS = 4;
/**
 * Exits store IA32_EFER.LMA into "IA-32e mode guest" (bit 5), activity states HLT, shutdown and wait-for-SIPI (6 to 8),
 * injection with an instruction length of 0 (30).
 */
const VMX_MISC = BigInt(TIMER_SHIFT) | bits(5, 6, 7, 8, 30) | (BigInt(CR3_TARGETS) << 16n);

const CR0_FIXED0 = CR0.PE | CR0.NE | CR0.PG;
const CR0_FIXED1 = 2n ** 32n - 1n;
const CR4_FIXED0 = CR4.VMXE;

/**
 * Execute-only (0), page-walk length 4 (6), UC and WB (8, 14), 2 MiB and 1 GiB pages (16, 17), INVEPT of all types (20,
 * 25, 26), accessed and dirty flags (21), INVVPID of all types (32, 40 to 43).
 */
const EPT_VPID_CAP = bits(0, 6, 8, 14, 16, 17, 20, 21, 25, 26, 32, 40, 41, 42, 43);

interface Capability {
  readonly name: string;
  readonly number: number;
  readonly value: (profile: CpuProfile) => bigint;
}

const capability = (
  name: string,
  number: number,
  value: bigint | ((profile: CpuProfile) => bigint),
): Capability => ({ name, number, value: typeof value === "bigint" ? () => value : value });

export const CAPABILITIES: readonly Capability[] = [
  capability("IA32_VMX_BASIC", 0x480, VMX_BASIC),
  capability("IA32_VMX_PINBASED_CTLS", 0x481, defaults("pin")),
  capability("IA32_VMX_PROCBASED_CTLS", 0x482, defaults("primary")),
  capability("IA32_VMX_EXIT_CTLS", 0x483, defaults("exit")),
  capability("IA32_VMX_ENTRY_CTLS", 0x484, defaults("entry")),
  capability("IA32_VMX_MISC", 0x485, VMX_MISC),
  capability("IA32_VMX_CR0_FIXED0", 0x486, CR0_FIXED0),
  capability("IA32_VMX_CR0_FIXED1", 0x487, CR0_FIXED1),
  capability("IA32_VMX_CR4_FIXED0", 0x488, CR4_FIXED0),
  capability("IA32_VMX_CR4_FIXED1", 0x489, cr4Bits),
  capability("IA32_VMX_VMCS_ENUM", 0x48a, BigInt(HIGHEST_INDEX) << 1n),
  capability("IA32_VMX_PROCBASED_CTLS2", 0x48b, allowed(0, OFFERED.secondary)),
  capability("IA32_VMX_EPT_VPID_CAP", 0x48c, EPT_VPID_CAP),
  capability("IA32_VMX_TRUE_PINBASED_CTLS", 0x48d, truly("pin")),
  capability("IA32_VMX_TRUE_PROCBASED_CTLS", 0x48e, truly("primary")),
  capability("IA32_VMX_TRUE_EXIT_CTLS", 0x48f, truly("exit")),
  capability("IA32_VMX_TRUE_ENTRY_CTLS", 0x490, truly("entry")),
];

/** Values of CR0 that VMX operation allows; PE and PG are free for a guest with "unrestricted guest". */
export function allowsCr0(value: bigint, isUnrestricted: boolean): boolean {
  const mustBe = isUnrestricted ? CR0.NE : CR0_FIXED0;
  return (value & mustBe) === mustBe && value <= CR0_FIXED1;
}

export const allowsCr4 = (value: bigint, profile: CpuProfile): boolean =>
  (value & CR4_FIXED0) === CR4_FIXED0 && (value & ~cr4Bits(profile)) === 0n;
