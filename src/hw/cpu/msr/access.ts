/** RDMSR and WRMSR by number: SDM Vol. 2B, "RDMSR—Read From Model Specific Register"; Vol. 2D, "WRMSR—Write to Model Specific Register". */

import { assert } from "../../../sim/assert.ts";
import { isCanonical } from "../addressing.ts";
import type { CpuProfile } from "../cpuid/profile.ts";
import { AMD_MSRS } from "./amd.ts";
import { APIC_BASE } from "./bits.ts";
import { ARCHITECTURAL } from "./architectural.ts";
import { INTEL_MSRS } from "./intel.ts";
import { type Msr, type MsrAccess, resolve } from "./msr.ts";
import { VMX_MSRS } from "./vmx.ts";
import { hasSlot, readSlot, type SlotName, writeSlot } from "./slots.ts";

export const MSRS: readonly Msr[] = [...ARCHITECTURAL, ...INTEL_MSRS, ...AMD_MSRS, ...VMX_MSRS];

for (const { name, read } of MSRS)
  assert(read !== undefined || hasSlot(name), `the value of ${name} is kept somewhere`);

const BY_NUMBER = new Map<number, readonly Msr[]>();
for (const row of MSRS) BY_NUMBER.set(row.number, [...(BY_NUMBER.get(row.number) ?? []), row]);

export const hasMsr = ({ vendor, features }: CpuProfile, row: Msr): boolean =>
  (row.vendor ?? vendor) === vendor && (row.feature === undefined || features.has(row.feature));

function find(profile: CpuProfile, number: number): Msr | undefined {
  return BY_NUMBER.get(number)?.find((row) => hasMsr(profile, row));
}

/** The value; null is #GP(0). What the CPU has not, the board may have. */
export function readMsr(access: MsrAccess, number: number): bigint | null {
  const { state, environment } = access;
  const row = find(environment.profile, number);
  if (row === undefined) return environment.readMsr(number);
  return row.read === undefined ? readSlot(state, row.name as SlotName) : row.read(access);
}

/** False is #GP(0), and nothing has changed. */
export function writeMsr(access: MsrAccess, number: number, value: bigint): boolean {
  const { environment } = access;
  const row = find(environment.profile, number);
  return row === undefined ? environment.writeMsr(number, value) : write(access, row, value);
}

/** A kernel puts back what it has read before. */
export function restoreMsr(access: MsrAccess, number: number, value: bigint): boolean {
  const { profile } = access.environment;
  const row = find(profile, number);
  if (row?.restore === undefined) return writeMsr(access, number, value);
  if (hasReserved(row, profile, value)) return false;
  row.restore(access, value);
  row.after?.(access, value);
  return true;
}

function hasReserved({ writable, ignored }: Msr, profile: CpuProfile, value: bigint): boolean {
  if (writable === "nothing") return true;
  return (value & ~(resolve(writable, profile) | resolve(ignored, profile))) !== 0n;
}

function write(access: MsrAccess, row: Msr, value: bigint): boolean {
  const { state, environment } = access;
  const { profile } = environment;
  if (row.writable === "nothing" || hasReserved(row, profile, value)) return false;
  const writable = resolve(row.writable, profile);
  const old = readMsr(access, row.number) ?? 0n;
  const next = (old & ~writable) | (value & writable);
  if (row.canonical === true && !isCanonical(next)) return false;
  if (row.allows !== undefined && !row.allows(next, access)) return false;
  if (row.write === undefined) writeSlot(state, row.name as SlotName, next);
  else row.write(access, next);
  row.after?.(access, next);
  return true;
}

/** RESET. The time-stamp counter starts at 0. */
export function resetMsrs({ state, environment }: Omit<MsrAccess, "memory">): void {
  const { profile, bootstrap } = environment;
  for (const row of MSRS) {
    if (hasSlot(row.name))
      writeSlot(state, row.name, hasMsr(profile, row) ? resolve(row.reset, profile) : 0n);
  }
  if (bootstrap && profile.features.has("APIC"))
    writeSlot(state, "IA32_APIC_BASE", readSlot(state, "IA32_APIC_BASE") | APIC_BASE.BSP);
  writeSlot(state, "TSC offset", BigInt.asUintN(64, -BigInt(state.cycles)));
}
