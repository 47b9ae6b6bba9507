/** MSRs of a vCPU as user space reaches them: by the rules of the guest's own CPU. Linux, Documentation/virt/kvm/api.rst, "KVM_GET_MSRS". */

import type { Environment } from "../hw/cpu/environment.ts";
import { type Fault, GP0 } from "../hw/cpu/fault.ts";
import { hasMsr, MSRS, readMsr, restoreMsr } from "../hw/cpu/msr/access.ts";
import { type MsrAccess, resolve } from "../hw/cpu/msr/msr.ts";
import { type SystemMemory, Untranslated } from "../hw/cpu/mmu.ts";
import type { CpuState } from "../hw/cpu/state.ts";
import type { Errno } from "../linux/errno.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { ValueOf } from "./ioctls/ioctl.ts";
import type { kvm_msrs } from "./ioctls/structures.ts";
import type { Kvm } from "./module.ts";
import { PV_MSRS } from "./pv/msrs.ts";
import type { Vcpu } from "./vcpu.ts";

/** MAX_IO_MSRS. */
const MOST_MSRS = 256;

/** No MSR lies in memory. */
class NoMemory extends Untranslated implements SystemMemory {
  read(): Fault {
    return GP0;
  }

  write(): Fault {
    return GP0;
  }

  translateFetch(): Fault {
    return GP0;
  }

  codeBytes(): Uint8Array {
    return new Uint8Array();
  }
}

type Msrs = ValueOf<typeof kvm_msrs>;

const NO_MEMORY = new NoMemory();

const accessTo = (state: CpuState, environment: Environment): MsrAccess => ({
  state,
  environment,
  memory: NO_MEMORY,
});

/** The counter of a vCPU that does not run goes on with that of the CPU that asks. */
export function accessOf({ registers, environment }: Vcpu, cpu: HostCpu): MsrAccess {
  registers.cycles = cpu.state.cycles;
  return accessTo(registers, environment);
}

/** Those before the first that does not exist. */
function get(access: MsrAccess, entries: Msrs): Msrs | Errno {
  if (entries.length >= MOST_MSRS) return "E2BIG";
  const values = entries.map(({ index }) => ({ index, data: readMsr(access, index) }));
  const absent = values.findIndex(({ data }) => data === null);
  return values
    .slice(0, absent < 0 ? values.length : absent)
    .map(({ index, data }) => ({ index, data: data ?? 0n }));
}

export const getMsrs = (vcpu: Vcpu, cpu: HostCpu, entries: Msrs): Msrs | Errno =>
  get(accessOf(vcpu, cpu), entries);

/** How many were written. */
export function setMsrs(vcpu: Vcpu, cpu: HostCpu, entries: Msrs): number | Errno {
  if (entries.length >= MOST_MSRS) return "E2BIG";
  const access = accessOf(vcpu, cpu);
  const refused = entries.findIndex(({ index, data }) => !restoreMsr(access, index, data));
  return refused < 0 ? entries.length : refused;
}

/** IA32_BIOS_SIGN_ID, MSR_PLATFORM_INFO, IA32_ARCH_CAPABILITIES, DE_CFG: what they hold tells of the CPU. */
const FEATURE_MSRS: readonly number[] = [0x8b, 0xce, 0x10a, 0xc001_1029];

/** Numbers of those that tell of features. */
export const featureMsrs = ({ profile }: Kvm): readonly number[] =>
  FEATURE_MSRS.filter((number) =>
    MSRS.some((row) => row.number === number && hasMsr(profile, row)),
  );

/** As a new vCPU would have them. */
export function getFeatureMsrs(kvm: Kvm, entries: Msrs): Msrs | Errno {
  const known = featureMsrs(kvm);
  const first = entries.findIndex(({ index }) => !known.includes(index));
  if (entries.length >= MOST_MSRS) return "E2BIG";
  return get(
    accessTo(kvm.registersAtReset(), kvm.environment),
    entries.slice(0, first < 0 ? entries.length : first),
  );
}

/** Numbers of those that have to be saved and restored: a guest can change them, and read what it has written. */
export function savedMsrs(kvm: Kvm): readonly number[] {
  const { profile } = kvm;
  const access = accessTo(kvm.registersAtReset(), kvm.environment);
  const own = MSRS.filter(
    (row) =>
      hasMsr(profile, row) &&
      row.writable !== "nothing" &&
      resolve(row.writable, profile) !== 0n &&
      readMsr(access, row.number) !== null,
  );
  return [...own.map(({ number }) => number), ...PV_MSRS];
}
