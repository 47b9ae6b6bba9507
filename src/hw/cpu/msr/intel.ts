/** Model-specific registers of Intel's processors alone: SDM Vol. 4, "IA-32 Architectural MSRs", "MSRs in Intel Atom Processors". */

import { MISC_ENABLE } from "./bits.ts";
import { ALL, type Msr, type MsrAccess } from "./msr.ts";
import { readSlot, writeSlot } from "./slots.ts";

const LOCK = 1n;
const VMX_OUTSIDE_SMX = 4n;

/** What a processor without speculation says: none of the attacks of the list concerns it. */
const ARCH_CAPABILITIES = [0, 3, 4, 5, 6, 8, 13, 14, 15, 24, 26, 27].reduce(
  (bits, bit) => bits | (1n << BigInt(bit)),
  0n,
);

/** Branch trace storage and PEBS are unavailable. With performance monitoring, bits that only tell. */
const MISC_ENABLE_UNAVAILABLE = 0x1800n;
const MISC_ENABLE_TOLD = MISC_ENABLE_UNAVAILABLE | 0x80n;
const FAST_STRINGS = 1n;
/** Thermal control, SpeedStep, xTPR messages: kept, and without effect. */
const MISC_ENABLE_KEPT = (1n << 3n) | (1n << 16n) | (1n << 23n);

/** The ratio of the nominal clock to a bus of 100 MHz. */
const RATIO = 10n << 8n;

export const INTEL_MSRS: readonly Msr[] = (
  [
    { name: "IA32_PLATFORM_ID", number: 0x17, writable: "nothing", read: () => 0n },
    {
      name: "IA32_FEATURE_CONTROL",
      number: 0x3a,
      // VMX outside SMX operation; there is no SMX.
      writable: ({ features }) => LOCK | (features.has("VMX") ? VMX_OUTSIDE_SMX : 0n),
      allows: (_value: bigint, { state }: MsrAccess) =>
        (readSlot(state, "IA32_FEATURE_CONTROL") & LOCK) === 0n,
      restore: ({ state }: MsrAccess, value: bigint) =>
        writeSlot(state, "IA32_FEATURE_CONTROL", value),
    },
    {
      // No update is ever loaded: what is written has no effect.
      name: "IA32_BIOS_UPDT_TRIG",
      number: 0x79,
      writable: ALL,
      read: () => null,
      write: () => undefined,
    },
    {
      name: "IA32_BIOS_SIGN_ID",
      number: 0x8b,
      writable: 0n,
      ignored: ALL,
      read: ({ environment }) => BigInt(environment.profile.microcode) << 32n,
    },
    { name: "MSR_PLATFORM_INFO", number: 0xce, writable: "nothing", read: () => RATIO },
    {
      name: "IA32_ARCH_CAPABILITIES",
      number: 0x10a,
      feature: "IA32_ARCH_CAPABILITIES",
      writable: "nothing",
      read: () => ARCH_CAPABILITIES,
    },
    { name: "IA32_PERF_STATUS", number: 0x198, writable: "nothing", read: () => RATIO },
    {
      name: "IA32_MISC_ENABLE",
      number: 0x1a0,
      writable: ({ features }) =>
        FAST_STRINGS |
        MISC_ENABLE_KEPT |
        MISC_ENABLE.MONITOR |
        MISC_ENABLE.LIMIT_CPUID |
        (features.has("NX") ? MISC_ENABLE.XD_DISABLE : 0n),
      ignored: MISC_ENABLE_TOLD,
      reset: ({ features }) =>
        FAST_STRINGS |
        MISC_ENABLE_UNAVAILABLE |
        (features.has("MONITOR") ? MISC_ENABLE.MONITOR : 0n),
    },
    // C1E promotion: nothing to promote.
    { name: "MSR_POWER_CTL", number: 0x1fc, writable: 2n },
  ] satisfies readonly Msr[]
).map((row) => ({ ...row, vendor: "intel" }));
