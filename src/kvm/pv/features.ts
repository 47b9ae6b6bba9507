/** What a guest may use of the module without there being hardware for it: Linux, Documentation/virt/kvm/x86/cpuid.rst. */

import type { CpuidEntry } from "../cpuid.ts";
import type { Vcpu } from "../vcpu.ts";

/** KVM_FEATURE_*, bits of EAX of the second leaf. */
export const FEATURE = {
  CLOCKSOURCE: 1,
  NOP_IO_DELAY: 1 << 1,
  CLOCKSOURCE2: 1 << 3,
  STEAL_TIME: 1 << 5,
  PV_EOI: 1 << 6,
  PV_UNHALT: 1 << 7,
  PV_TLB_FLUSH: 1 << 9,
  PV_SEND_IPI: 1 << 11,
  POLL_CONTROL: 1 << 12,
  PV_SCHED_YIELD: 1 << 13,
  CLOCKSOURCE_STABLE_BIT: 1 << 24,
} as const;
const ALL = Object.values(FEATURE).reduce<number>((all, bit) => all | bit, 0);

/** "KVMKVMKVM". */
const SIGNATURE: CpuidEntry = {
  function: 0x4000_0000,
  index: 0,
  flags: 0,
  eax: 0x4000_0001,
  ebx: 0x4b4d_564b,
  ecx: 0x564b_4d56,
  edx: 0x4d,
};

export const PV_LEAVES: readonly CpuidEntry[] = [
  SIGNATURE,
  { ...SIGNATURE, function: 0x4000_0001, eax: ALL, ebx: 0, ecx: 0, edx: 0 },
];

/** What is not shown is there too, unless user space wants it otherwise. */
export function hasFeature({ state: { pv, cpuid } }: Vcpu, feature: number): boolean {
  if (!pv.isEnforced) return true;
  const base = cpuid.find(isSignature)?.function;
  const leaf = cpuid.find((entry) => base !== undefined && entry.function === base + 1);
  return ((leaf?.eax ?? 0) & feature) !== 0;
}

const [FIRST_BASE, LAST_BASE, STEP] = [0x4000_0000, 0x4001_0000, 0x100];

/** Leaves of other hypervisors may come before. */
const isSignature = ({ function: leaf, ebx, ecx, edx }: CpuidEntry): boolean =>
  leaf >= FIRST_BASE &&
  leaf < LAST_BASE &&
  leaf % STEP === 0 &&
  ebx === SIGNATURE.ebx &&
  ecx === SIGNATURE.ecx &&
  edx === SIGNATURE.edx;
