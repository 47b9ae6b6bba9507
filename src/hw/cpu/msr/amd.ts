/** Model-specific registers of AMD's processors alone: APM Vol. 2, "Model-Specific Registers (MSRs)", "MSR Cross-Reference". */

import { HWCR } from "./bits.ts";
import { addressFrom, ALL, LOW_32, type Msr } from "./msr.ts";

/** MtrrFixDramEn, MtrrVarDramEn, MtrrTom2En, Tom2ForceMemTypeWB. */
const SYSCFG_BITS = (1n << 18n) | (1n << 20n) | (1n << 21n) | (1n << 22n);
const LFENCE_SERIALIZES = 2n;
const EXTENDED_CONFIGURATION = 1n << 46n;
/** LOCK and SVMDIS: there is no SVM, and no way to have it. Where there is, nobody switches it off. */
const SVM_LOCKED_OFF = 0x18n;

/** All that is defined: event, unit mask, USR, OS, EDGE, INT, EN, INV, counter mask, HG_ONLY. */
const EVENT_SELECT_BITS = 0x30f_ffd7_ffffn;
const COUNTER_BITS = 2n ** 48n - 1n;
/** Counters in the order that RDPMC numbers them. */
export const AMD_COUNTERS = ["PerfCtr0", "PerfCtr1", "PerfCtr2", "PerfCtr3"] as const;

/** Deviation: the counters hold what is written, and count nothing. APM Vol. 2, "Performance Monitoring Counters". */
const PERFORMANCE = AMD_COUNTERS.flatMap((name, i): Omit<Msr, "vendor">[] => [
  {
    name: `PerfEvtSel${i}`,
    number: 0xc001_0000 + i,
    writable: EVENT_SELECT_BITS,
    ignored: ALL,
  },
  { name, number: 0xc001_0004 + i, writable: COUNTER_BITS, ignored: ALL },
]);

export const AMD_MSRS: readonly Msr[] = (
  [
    {
      name: "PATCH_LEVEL",
      number: 0x8b,
      writable: "nothing",
      read: ({ environment }) => BigInt(environment.profile.microcode),
    },
    ...PERFORMANCE,
    ...(["LASTBRANCHFROMIP", "LASTBRANCHTOIP", "LASTINTFROMIP", "LASTINTTOIP"] as const).map(
      (name, i): Omit<Msr, "vendor"> => ({ name, number: 0x1db + i, writable: ALL }),
    ),
    { name: "SYSCFG", number: 0xc001_0010, writable: SYSCFG_BITS },
    {
      name: "HWCR",
      number: 0xc001_0015,
      writable: ({ features }) =>
        HWCR.McStatusWrEn | (features.has("MONITOR") ? HWCR.MonMwaitDis : 0n),
      ignored: HWCR.TscFreqSel,
      reset: HWCR.TscFreqSel,
    },
    ...[0, 1].flatMap((i): Omit<Msr, "vendor">[] => [
      {
        name: `IORRBase${i}`,
        number: 0xc001_0016 + 2 * i,
        writable: (profile) => addressFrom(12)(profile) | 0x18n,
      },
      { name: `IORRMask${i}`, number: 0xc001_0017 + 2 * i, writable: addressFrom(11) },
    ]),
    { name: "TOP_MEM", number: 0xc001_001a, writable: addressFrom(23) },
    { name: "TOP_MEM2", number: 0xc001_001d, writable: addressFrom(23) },
    { name: "NB_CFG", number: 0xc001_001f, writable: EXTENDED_CONFIGURATION },
    {
      // No update is ever loaded: what is written has no effect.
      name: "PATCH_LOADER",
      number: 0xc001_0020,
      writable: ALL,
      read: () => null,
      write: () => undefined,
    },
    {
      name: "TSC_RATIO",
      number: 0xc000_0104,
      feature: "TscRateMsr",
      writable: 2n ** 40n - 1n,
      reset: 1n << 32n,
    },
    {
      // DPD, R_INIT and DIS_A20M are kept and without effect.
      name: "VM_CR",
      number: 0xc001_0114,
      writable: 7n,
      ignored: SVM_LOCKED_OFF,
      reset: ({ features }) => (features.has("SVM") ? 0n : SVM_LOCKED_OFF),
    },
    { name: "VM_HSAVE_PA", number: 0xc001_0117, feature: "SVM", writable: addressFrom(12) },
    {
      name: "OSVW_ID_Length",
      number: 0xc001_0140,
      feature: "OSVW",
      writable: 0xffffn,
    },
    { name: "OSVW_Status", number: 0xc001_0141, feature: "OSVW", writable: ALL },
    { name: "LS_CFG", number: 0xc001_1020, writable: ALL },
    {
      name: "DE_CFG",
      number: 0xc001_1029,
      writable: LOW_32,
      // Memory is accessed in order whatever it says.
      reset: LFENCE_SERIALIZES,
    },
  ] satisfies readonly Omit<Msr, "vendor">[]
).map((row) => ({ ...row, vendor: "amd" }));
