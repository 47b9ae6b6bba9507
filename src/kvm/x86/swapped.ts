/**
 * Registers that neither VMX nor SVM moves: software loads them before an entry, and saves them behind an exit. SDM
 * Vol. 3, "Differences in VMX Support"; APM Vol. 2, "VMRUN Instruction" ("Other Guest State").
 */

import { type SlotName, slotOffset } from "../../hw/cpu/msr/slots.ts";
import { type CpuState, OFFSET } from "../../hw/cpu/state.ts";

/** From XMM0 to DR3: what XSAVE covers, and debug registers. */
const RANGES: readonly (readonly [at: number, bytes: number])[] = [
  [OFFSET.gpr, 128],
  [OFFSET.xcr0, 8],
  [OFFSET.xmm, OFFSET.debug - OFFSET.xmm + 4 * 8],
  [slotOffset("IA32_TSC_AUX"), 8],
];

/** Copies them, and these MSRs. */
export function swap(from: CpuState, to: CpuState, msrs: readonly SlotName[]): void {
  for (const [at, bytes] of RANGES) copy(from, to, at, bytes);
  for (const name of msrs) copy(from, to, slotOffset(name), 8);
}

function copy(from: CpuState, to: CpuState, at: number, bytes: number): void {
  to.words.set(from.words.subarray(at / 4, (at + bytes) / 4), at / 4);
}
