/** CPUID of a vCPU: what KVM offers, with the place of the CPU among the others. QEMU, target/i386/cpu.c; SDM Vol. 2A, "CPUID—CPU Identification". */

import { cpuid } from "../hw/cpu/cpuid/leaves.ts";
import { type CpuProfile, makeProfile } from "../hw/cpu/cpuid/profile.ts";
import { BLOCK_BYTES, CpuState } from "../hw/cpu/state.ts";
import type { Argument } from "../kvm/ioctls/index.ts";

export type CpuidEntries = Argument<"KVM_SET_CPUID2">;

/** Leaves that say which CPU it is, and how many there are. */
const TOPOLOGY: readonly number[] = [0x4, 0xb, 0x8000_0008, 0x8000_001e];
const IDENTITY = 1;
const HTT = 1 << 28;

export interface CpuPlace {
  readonly vendor: CpuProfile["vendor"];
  readonly apicId: number;
  readonly cpus: number;
}

export function cpuidOf(supported: CpuidEntries, { vendor, apicId, cpus }: CpuPlace): CpuidEntries {
  const profile = makeProfile({ base: vendor, apicId, coresPerPackage: cpus });
  const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  return supported.map((entry) => {
    const { function: leaf, index } = entry;
    const { EAX, EBX, ECX, EDX } = cpuid(profile, state, leaf, index);
    if (leaf === IDENTITY)
      return { ...entry, ebx: EBX, edx: ((entry.edx & ~HTT) | (EDX & HTT)) >>> 0 };
    return TOPOLOGY.includes(leaf) ? { ...entry, eax: EAX, ebx: EBX, ecx: ECX, edx: EDX } : entry;
  });
}
