/** CPUID as guests have it: Linux, Documentation/virt/kvm/api.rst, "KVM_GET_SUPPORTED_CPUID", "KVM_SET_CPUID2". */

import { cpuid } from "../hw/cpu/cpuid/leaves.ts";
import { type CpuProfile, makeProfile } from "../hw/cpu/cpuid/profile.ts";
import { APIC_BASE } from "../hw/cpu/msr/bits.ts";
import { readSlot } from "../hw/cpu/msr/slots.ts";
import { BIT, type CpuState } from "../hw/cpu/state.ts";
import { PV_LEAVES } from "./pv/features.ts";

/** KVM_CPUID_FLAG_SIGNIFCANT_INDEX: the entry is for one subleaf. */
const SIGNIFICANT_INDEX = 1;

/** As in struct kvm_cpuid_entry2. */
export interface CpuidEntry {
  readonly function: number;
  readonly index: number;
  readonly flags: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

const EXTENDED = 0x8000_0000;
/** The leaves of which each subleaf differs, and how many there are. */
const SUBLEAVES: Readonly<Record<number, number>> = { 0x4: 4, 0x7: 1, 0xb: 2, 0xd: 2 };
const [OSXSAVE, APIC] = [1 << 27, 1 << 9];

/** The CPU that guests get at most: without virtualisation, and saying that there is a hypervisor. */
export function guestProfile(host: CpuProfile): CpuProfile {
  const most = makeProfile({
    base: host.vendor,
    without: [host.vendor === "intel" ? "VMX" : "SVM"],
    with: ["hypervisor", "x2APIC", "TSC-Deadline"],
    physicalBits: host.physicalBits,
  });
  const features = [...most.features].filter(
    (name) => name === "hypervisor" || host.features.has(name),
  );
  return { ...most, features: new Set(features) };
}

export function supportedCpuid(profile: CpuProfile, state: CpuState): readonly CpuidEntry[] {
  const leaves = (first: number): readonly CpuidEntry[] => {
    const { EAX } = cpuid(profile, state, first, 0);
    return Array.from({ length: EAX - first + 1 }, (_, i) => first + i).flatMap((leaf) =>
      entriesOf(profile, state, leaf),
    );
  };
  return [...leaves(0), ...PV_LEAVES, ...leaves(EXTENDED)];
}

function entriesOf(profile: CpuProfile, state: CpuState, leaf: number): readonly CpuidEntry[] {
  const count = SUBLEAVES[leaf];
  return Array.from({ length: count ?? 1 }, (_, index) => {
    const { EAX, EBX, ECX, EDX } = cpuid(profile, state, leaf, index);
    const flags = count === undefined ? 0 : SIGNIFICANT_INDEX;
    return { function: leaf, index, flags, eax: EAX, ebx: EBX, ecx: ECX, edx: EDX };
  });
}

/** What the guest's CPUID gives: zeros where nothing was set, or, on Intel's processors, the last basic leaf. */
export function answerCpuid(
  entries: readonly CpuidEntry[],
  state: CpuState,
  leaf: number,
  subleaf: number,
): CpuidEntry {
  const found = find(entries, leaf, subleaf) ?? beyond(entries, leaf, subleaf) ?? NOTHING;
  if (leaf !== 1) return found;
  const ecx = found.ecx & ~OSXSAVE;
  const hasApic = (readSlot(state, "IA32_APIC_BASE") & APIC_BASE.EN) !== 0n;
  return {
    ...found,
    ecx: (state.has("CR4", BIT.CR4.OSXSAVE) ? ecx | OSXSAVE : ecx) >>> 0,
    edx: (hasApic ? found.edx : found.edx & ~APIC) >>> 0,
  };
}

const NOTHING: CpuidEntry = { function: 0, index: 0, flags: 0, eax: 0, ebx: 0, ecx: 0, edx: 0 };
const GENUINE = 0x756e_6547;

const find = (
  entries: readonly CpuidEntry[],
  leaf: number,
  subleaf: number,
): CpuidEntry | undefined =>
  entries.find(
    (entry) =>
      entry.function === leaf &&
      ((entry.flags & SIGNIFICANT_INDEX) === 0 || entry.index === subleaf),
  );

function beyond(
  entries: readonly CpuidEntry[],
  leaf: number,
  subleaf: number,
): CpuidEntry | undefined {
  const basic = find(entries, 0, 0);
  if (basic === undefined || basic.ebx !== GENUINE) return undefined;
  const range =
    Math.floor(leaf / 0x4000_0000) === 1 ? 0x4000_0000 : leaf >= EXTENDED ? EXTENDED : 0;
  const last = find(entries, range, 0);
  if (last !== undefined && leaf <= last.eax) return undefined;
  return find(entries, basic.eax, subleaf);
}
