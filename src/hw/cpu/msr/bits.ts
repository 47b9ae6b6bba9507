/** Bits of model-specific registers that others than the registers themselves ask for: SDM Vol. 4, "Architectural MSRs". */

export const APIC_BASE = { BSP: 1n << 8n, EXTD: 1n << 10n, EN: 1n << 11n } as const;

/** IA32_MISC_ENABLE: of what it switches, what is modelled. */
export const MISC_ENABLE = {
  MONITOR: 1n << 18n,
  /** Limit CPUID Maxval. */
  LIMIT_CPUID: 1n << 22n,
  XD_DISABLE: 1n << 34n,
} as const;

/** APM Vol. 2, "Hardware Configuration Register (HWCR)". */
export const HWCR = {
  MonMwaitDis: 1n << 9n,
  McStatusWrEn: 1n << 18n,
  TscFreqSel: 1n << 24n,
} as const;

/** IA32_DEBUGCTL: SDM Vol. 4, "IA-32 Architectural MSRs"; APM Vol. 2, "Debug-Control MSR (DebugCtl)". */
export const DEBUGCTL = { LBR: 1n, BTF: 2n } as const;
