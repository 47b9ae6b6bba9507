/** Model-specific registers that both vendors have: SDM Vol. 4, "IA-32 Architectural MSRs"; APM Vol. 2, "MSR Cross-Reference". */

import type { CpuProfile } from "../cpuid/profile.ts";
import { BIT, EFER, type CpuState } from "../state.ts";
import type { SegmentName } from "../uop.ts";
import { APIC_BASE, HWCR, MISC_ENABLE, DEBUGCTL } from "./bits.ts";
import { addressFrom, ALL, LOW_32, type Msr, type MsrAccess } from "./msr.ts";
import {
  MCA_BANKS,
  numbered,
  readSlot,
  type SlotName,
  VARIABLE_MTRRS,
  writeSlot,
} from "./slots.ts";

// The time-stamp counter.

const TSC: Msr = {
  name: "IA32_TIME_STAMP_COUNTER",
  number: 0x10,
  feature: "TSC",
  writable: ALL,
  read: ({ state }) => timeStampCounter(state),
  write: ({ state }, value) => moveTsc(state, value - hostTimeStampCounter(state)),
  restore: ({ state }, value) =>
    writeSlot(state, "TSC offset", BigInt.asUintN(64, value - BigInt(state.cycles))),
  after: ({ environment }) => environment.timeStampCounterMoved(),
};

const TSC_ADJUST: Msr = {
  name: "IA32_TSC_ADJUST",
  number: 0x3b,
  feature: "IA32_TSC_ADJUST",
  writable: ALL,
  write: ({ state }, value) => moveTsc(state, value - readSlot(state, "IA32_TSC_ADJUST")),
  restore: ({ state }, value) => writeSlot(state, "IA32_TSC_ADJUST", value),
  after: ({ environment }) => environment.timeStampCounterMoved(),
};

/** One cycle is one tick of the nominal clock. */
const hostTimeStampCounter = (state: CpuState): bigint =>
  BigInt.asUintN(64, BigInt(state.cycles) + readSlot(state, "TSC offset"));

/** The counter as software reads it: a guest's is scaled and moved (SDM Vol. 3, "TSC Offsetting and Scaling"; APM Vol. 2, "TSC Ratio MSR"). */
export function timeStampCounter(state: CpuState): bigint {
  const counter = hostTimeStampCounter(state);
  if (!state.isGuest) return counter;
  const multiplier = readSlot(state, "guest TSC multiplier");
  const scaled = multiplier === 0n ? counter : (counter * multiplier) >> 48n;
  return BigInt.asUintN(64, scaled + readSlot(state, "guest TSC offset"));
}

/** What is added to the counter is added to IA32_TSC_ADJUST (SDM Vol. 3, "Time-Stamp Counter Adjustment"). */
function moveTsc(state: CpuState, by: bigint): void {
  for (const name of ["TSC offset", "IA32_TSC_ADJUST"] as const)
    writeSlot(state, name, BigInt.asUintN(64, readSlot(state, name) + by));
}

// The local APIC's place.

/** Modes are changed in order: disabled, xAPIC, x2APIC, disabled (SDM Vol. 3, "x2APIC State Transitions"). */
function allowsApicBase(value: bigint, { state }: MsrAccess): boolean {
  const mode = APIC_BASE.EN | APIC_BASE.EXTD;
  const [before, after] = [readSlot(state, "IA32_APIC_BASE") & mode, value & mode];
  if (after === APIC_BASE.EXTD) return false;
  if (before === 0n) return after !== mode;
  return before !== mode || after !== APIC_BASE.EN;
}

const apicBaseBits = (profile: CpuProfile): bigint => {
  const x2apic = profile.features.has("x2APIC") ? APIC_BASE.EXTD : 0n;
  return addressFrom(12)(profile) | APIC_BASE.BSP | APIC_BASE.EN | x2apic;
};

const APIC_BASE_MSR: Msr = {
  name: "IA32_APIC_BASE",
  number: 0x1b,
  feature: "APIC",
  writable: apicBaseBits,
  allows: allowsApicBase,
  reset: 0xfee0_0000n | APIC_BASE.EN,
  after: ({ environment }, value) => environment.apicBaseChanged(value),
};

// Memory types: kept, and without effect, since there are no caches.

const MTRR_TYPES: ReadonlySet<bigint> = new Set([0n, 1n, 4n, 5n, 6n]);
const PAT_TYPES: ReadonlySet<bigint> = new Set([0n, 1n, 4n, 5n, 6n, 7n]);

const bytesOf = (value: bigint): readonly bigint[] =>
  Array.from({ length: 8 }, (_, i) => (value >> BigInt(8 * i)) & 0xffn);

const PAT: Msr = {
  name: "IA32_PAT",
  number: 0x277,
  feature: "PAT",
  writable: ALL,
  allows: (value) => bytesOf(value).every((type) => PAT_TYPES.has(type)),
  reset: 0x0007_0406_0007_0406n,
};

const MTRR_CAP: Msr = {
  name: "IA32_MTRRCAP",
  number: 0xfe,
  feature: "MTRR",
  writable: "nothing",
  // Fixed ranges and write-combining.
  read: () => BigInt(VARIABLE_MTRRS) | 0x500n,
};

const MTRR_DEF_TYPE: Msr = {
  name: "IA32_MTRR_DEF_TYPE",
  number: 0x2ff,
  feature: "MTRR",
  writable: 0xcffn,
  allows: (value) => MTRR_TYPES.has(value & 0xffn),
};

const FIXED: readonly (readonly [number, string])[] = [
  [0x250, "64K_00000"],
  [0x258, "16K_80000"],
  [0x259, "16K_A0000"],
  [0x268, "4K_C0000"],
  [0x269, "4K_C8000"],
  [0x26a, "4K_D0000"],
  [0x26b, "4K_D8000"],
  [0x26c, "4K_E0000"],
  [0x26d, "4K_E8000"],
  [0x26e, "4K_F0000"],
  [0x26f, "4K_F8000"],
];

const FIXED_MTRRS: readonly Msr[] = FIXED.map(([number, range]) => ({
  name: `IA32_MTRR_FIX${range}`,
  number,
  feature: "MTRR",
  writable: ALL,
  allows: (value) => bytesOf(value).every((type) => MTRR_TYPES.has(type)),
}));

const VARIABLE: readonly Msr[] = numbered<Msr>(VARIABLE_MTRRS, (i) => [
  {
    name: `IA32_MTRR_PHYSBASE${i}`,
    number: 0x200 + 2 * i,
    feature: "MTRR",
    writable: (profile) => addressFrom(12)(profile) | 0xffn,
    allows: (value) => MTRR_TYPES.has(value & 0xffn),
  },
  {
    name: `IA32_MTRR_PHYSMASK${i}`,
    number: 0x201 + 2 * i,
    feature: "MTRR",
    writable: addressFrom(11),
  },
]);

// Machine checks: none happens.

/** A status can only be cleared, but where HWCR lets programs of AMD's processors write it. */
const allowsStatus = (value: bigint, { state, environment }: MsrAccess): boolean =>
  value === 0n ||
  (environment.profile.vendor === "amd" && (readSlot(state, "HWCR") & HWCR.McStatusWrEn) !== 0n);

const errorRegister = (name: SlotName, number: number): Msr => ({
  name,
  number,
  feature: "MCA",
  writable: ALL,
  allows: allowsStatus,
  restore: ({ state }, value) => writeSlot(state, name, value),
});

const allOrNothing = (value: bigint): boolean => value === 0n || value === ALL;

const MACHINE_CHECK: readonly Msr[] = [
  {
    name: "IA32_MCG_CAP",
    number: 0x179,
    feature: "MCA",
    writable: "nothing",
    // MCG_CTL_P.
    read: () => BigInt(MCA_BANKS) | 0x100n,
  },
  { name: "IA32_MCG_STATUS", number: 0x17a, feature: "MCA", writable: 7n },
  { name: "IA32_MCG_CTL", number: 0x17b, feature: "MCA", writable: ALL, allows: allOrNothing },
  ...numbered<Msr>(MCA_BANKS, (i) => [
    { name: `IA32_MC${i}_CTL`, number: 0x400 + 4 * i, feature: "MCA", writable: ALL },
    errorRegister(`IA32_MC${i}_STATUS`, 0x401 + 4 * i),
    errorRegister(`IA32_MC${i}_ADDR`, 0x402 + 4 * i),
    errorRegister(`IA32_MC${i}_MISC`, 0x403 + 4 * i),
  ]),
];

// System calls.

/** AMD's processors keep 32 bits of the addresses (APM Vol. 2, "SYSENTER and SYSEXIT MSRs"). */
const sysenterBits = ({ vendor }: CpuProfile): bigint => (vendor === "amd" ? LOW_32 : ALL);
const sysenterIgnored = ({ vendor }: CpuProfile): bigint => (vendor === "amd" ? ALL : 0n);

const CALLS: readonly Msr[] = [
  {
    name: "IA32_SYSENTER_CS",
    number: 0x174,
    feature: "SEP",
    writable: LOW_32,
    ignored: ALL,
  },
  {
    name: "IA32_SYSENTER_ESP",
    number: 0x175,
    feature: "SEP",
    writable: sysenterBits,
    ignored: sysenterIgnored,
    canonical: true,
  },
  {
    name: "IA32_SYSENTER_EIP",
    number: 0x176,
    feature: "SEP",
    writable: sysenterBits,
    ignored: sysenterIgnored,
    canonical: true,
  },
  { name: "IA32_STAR", number: 0xc000_0081, feature: "SYSCALL", writable: ALL },
  { name: "IA32_LSTAR", number: 0xc000_0082, feature: "LM", writable: ALL, canonical: true },
  { name: "IA32_CSTAR", number: 0xc000_0083, feature: "LM", writable: ALL, canonical: true },
  { name: "IA32_FMASK", number: 0xc000_0084, feature: "LM", writable: LOW_32 },
];

// Long mode.

function efferBits({ features, vendor }: CpuProfile): bigint {
  const lma = vendor === "amd" ? EFER.LMA : 0n;
  return (
    (features.has("SYSCALL") ? EFER.SCE : 0n) |
    (features.has("LM") ? EFER.LME | lma : 0n) |
    (features.has("NX") ? EFER.NXE : 0n) |
    (features.has("SVM") ? EFER.SVME : 0n)
  );
}

/**
 * LME stays as it is while paging is on. LMA belongs to the processor: Intel's ignore what is written, AMD's refuse a
 * value that differs (APM Vol. 2, "Long Mode Active (LMA) Bit"). Where IA32_MISC_ENABLE hides NX, NXE cannot be set.
 */
function allowsEfer(value: bigint, { state }: MsrAccess): boolean {
  const changed = value ^ state.control("EFER");
  const isHidden = (readSlot(state, "IA32_MISC_ENABLE") & MISC_ENABLE.XD_DISABLE) !== 0n;
  if (isHidden && (changed & value & EFER.NXE) !== 0n) return false;
  if ((changed & EFER.LMA) !== 0n) return false;
  return (changed & EFER.LME) === 0n || !state.has("CR0", BIT.CR0.PG);
}

const EFER_MSR: Msr = {
  name: "IA32_EFER",
  number: 0xc000_0080,
  feature: "MSR",
  writable: efferBits,
  ignored: ({ vendor }) => (vendor === "intel" ? EFER.LMA : 0n),
  allows: allowsEfer,
  read: ({ state }) => state.control("EFER"),
  write: ({ state }, value) => state.setControl("EFER", value),
  after: ({ memory }) => memory.contextChanged(),
};

const segmentBase = (name: string, number: number, segment: SegmentName): Msr => ({
  name,
  number,
  feature: "LM",
  writable: ALL,
  canonical: true,
  read: ({ state }) => state.segmentBase(segment),
  write: ({ state }, base) => state.setSegment(segment, { ...state.segment(segment), base }),
});

const LONG_MODE: readonly Msr[] = [
  EFER_MSR,
  segmentBase("IA32_FS_BASE", 0xc000_0100, "FS"),
  segmentBase("IA32_GS_BASE", 0xc000_0101, "GS"),
  {
    name: "IA32_KERNEL_GS_BASE",
    number: 0xc000_0102,
    feature: "LM",
    writable: ALL,
    canonical: true,
  },
  {
    name: "IA32_TSC_AUX",
    number: 0xc000_0103,
    feature: "RDTSCP",
    writable: LOW_32,
    ignored: ({ vendor }) => (vendor === "amd" ? ALL : 0n),
  },
];

export const ARCHITECTURAL: readonly Msr[] = [
  TSC,
  TSC_ADJUST,
  APIC_BASE_MSR,
  // No state component of XSAVES is a supervisor's.
  { name: "IA32_XSS", number: 0xda0, feature: "XSAVES", writable: 0n },
  {
    name: "IA32_DEBUGCTL",
    number: 0x1d9,
    writable: DEBUGCTL.LBR | DEBUGCTL.BTF,
    after: ({ state }) => {
      state.attention = true;
    },
  },
  PAT,
  MTRR_CAP,
  MTRR_DEF_TYPE,
  ...FIXED_MTRRS,
  ...VARIABLE,
  ...MACHINE_CHECK,
  ...CALLS,
  ...LONG_MODE,
];
