/** What a row of the table of model-specific registers says: SDM Vol. 4, "Model-Specific Registers (MSRs)"; APM Vol. 2, "Model-Specific Registers (MSRs)". */

import type { FeatureName } from "../cpuid/features.ts";
import type { CpuProfile, Vendor } from "../cpuid/profile.ts";
import type { EngineParts } from "../engine/engine.ts";

/** Of what an access may look at. */
export type MsrAccess = Pick<EngineParts, "state" | "memory" | "environment" | "virtualization">;

type ByProfile<T> = T | ((profile: CpuProfile) => T);

export interface Msr {
  /** As in the SDM, or in the APM where only that has it. Values are kept in the slot of this name. */
  readonly name: string;
  readonly number: number;
  /** Absent on CPUs of another vendor, or without the feature. */
  readonly vendor?: Vendor;
  readonly feature?: FeatureName;
  /** Bits that a write changes; the others are reserved. `nothing`: a write is #GP(0) whatever the value. */
  readonly writable: ByProfile<bigint> | "nothing";
  /** Bits whose value in a write does not matter. */
  readonly ignored?: ByProfile<bigint>;
  /** The value has to be a canonical address. */
  readonly canonical?: boolean;
  /** Whether a value is allowed; false is #GP(0). */
  readonly allows?: (value: bigint, access: MsrAccess) => boolean;
  /** After RESET; 0 where not said. */
  readonly reset?: ByProfile<bigint>;
  /** In place of the slot. A read that gives null is #GP(0). */
  readonly read?: (access: MsrAccess) => bigint | null;
  readonly write?: (access: MsrAccess, value: bigint) => void;
  /** How a kernel puts back what it has saved, where that is no write: whatever `allows` says. */
  readonly restore?: (access: MsrAccess, value: bigint) => void;
  /** What follows from a write. */
  readonly after?: (access: MsrAccess, value: bigint) => void;
}

export const ALL = 2n ** 64n - 1n;
export const LOW_32 = 2n ** 32n - 1n;

/** Bits `from` to MAXPHYADDR - 1. */
export const addressFrom =
  (from: number) =>
  ({ physicalBits }: CpuProfile): bigint =>
    2n ** BigInt(physicalBits) - 2n ** BigInt(from);

export const resolve = (value: ByProfile<bigint> | undefined, profile: CpuProfile): bigint =>
  typeof value === "function" ? value(profile) : (value ?? 0n);
