/** Where the values of model-specific registers lie in a CPU's block: one slot each, in the order of this list, for all vendors. */

import { assert } from "../../../sim/assert.ts";
import { type CpuState, OFFSET } from "../state.ts";

const NAMED = [
  /** What is added to the cycles since reset; no register by itself. */
  "TSC offset",
  "IA32_TSC_ADJUST",
  /** What is added to the counter while a guest runs, and what it is multiplied with before, with 48 bits of fraction; 0 is 1. */
  "guest TSC offset",
  "guest TSC multiplier",
  "IA32_APIC_BASE",
  "IA32_FEATURE_CONTROL",
  "IA32_MISC_ENABLE",
  "IA32_DEBUGCTL",
  "IA32_SYSENTER_CS",
  "IA32_SYSENTER_ESP",
  "IA32_SYSENTER_EIP",
  "IA32_MCG_STATUS",
  "IA32_MCG_CTL",
  "IA32_PAT",
  "IA32_MTRR_DEF_TYPE",
  "IA32_STAR",
  "IA32_LSTAR",
  "IA32_CSTAR",
  "IA32_FMASK",
  "IA32_KERNEL_GS_BASE",
  "IA32_TSC_AUX",
  "IA32_XSS",
  "MSR_POWER_CTL",
  "SYSCFG",
  "HWCR",
  "IORRBase0",
  "IORRMask0",
  "IORRBase1",
  "IORRMask1",
  "TOP_MEM",
  "TOP_MEM2",
  "NB_CFG",
  "LS_CFG",
  "DE_CFG",
  "VM_CR",
  "LASTBRANCHFROMIP",
  "LASTBRANCHTOIP",
  "LASTINTFROMIP",
  "LASTINTTOIP",
  "VM_HSAVE_PA",
  "TSC_RATIO",
  "OSVW_ID_Length",
  "OSVW_Status",
  "PerfEvtSel0",
  "PerfEvtSel1",
  "PerfEvtSel2",
  "PerfEvtSel3",
  "PerfCtr0",
  "PerfCtr1",
  "PerfCtr2",
  "PerfCtr3",
  "IA32_MTRR_FIX64K_00000",
  "IA32_MTRR_FIX16K_80000",
  "IA32_MTRR_FIX16K_A0000",
  "IA32_MTRR_FIX4K_C0000",
  "IA32_MTRR_FIX4K_C8000",
  "IA32_MTRR_FIX4K_D0000",
  "IA32_MTRR_FIX4K_D8000",
  "IA32_MTRR_FIX4K_E0000",
  "IA32_MTRR_FIX4K_E8000",
  "IA32_MTRR_FIX4K_F0000",
  "IA32_MTRR_FIX4K_F8000",
] as const;

/** Ranges of variable size. */
export const VARIABLE_MTRRS = 8;
/** Banks that report machine checks. */
export const MCA_BANKS = 4;

type Numbered =
  | `IA32_MTRR_PHYS${"BASE" | "MASK"}${number}`
  | `IA32_MC${number}_${"CTL" | "STATUS" | "ADDR" | "MISC"}`;

export type SlotName = (typeof NAMED)[number] | Numbered;

export const numbered = <T>(count: number, make: (i: number) => readonly T[]): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i)).flat();

const SLOTS: readonly SlotName[] = [
  ...NAMED,
  ...numbered<SlotName>(VARIABLE_MTRRS, (i) => [
    `IA32_MTRR_PHYSBASE${i}`,
    `IA32_MTRR_PHYSMASK${i}`,
  ]),
  ...numbered<SlotName>(MCA_BANKS, (i) => [
    `IA32_MC${i}_CTL`,
    `IA32_MC${i}_STATUS`,
    `IA32_MC${i}_ADDR`,
    `IA32_MC${i}_MISC`,
  ]),
];
assert(SLOTS.length <= (OFFSET.guest - OFFSET.msrs) / 8, "the slots of MSRs fit into a block");

const PLACES = new Map<string, number>(SLOTS.map((name, i) => [name, i]));

export const hasSlot = (name: string): name is SlotName => PLACES.has(name);

/** Where the value lies in a CPU's block. */
export const slotOffset = (name: SlotName): number =>
  OFFSET.msrs + 8 * (PLACES.get(name) as number);

export const readSlot = (state: CpuState, name: SlotName): bigint =>
  state.msrAt(PLACES.get(name) as number);

export function writeSlot(state: CpuState, name: SlotName, value: bigint): void {
  state.setMsrAt(PLACES.get(name) as number, value);
}
