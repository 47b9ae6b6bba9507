/** MSR areas in memory: SDM Vol. 3, "Loading MSRs" of VM entries and exits, "Saving MSRs". Entries of 16 bytes: index, reserved, data. */

import { readMsr, writeMsr } from "../msr/access.ts";
import type { MsrAccess } from "../msr/msr.ts";
import type { PhysicalMemory } from "../physical-memory.ts";

const ENTRY_BYTES = 16;
/** As IA32_VMX_MISC recommends (bits 27 to 25 are 0). What comes after them fails. */
const MOST_ENTRIES = 512;
const [FS_BASE, GS_BASE] = [0xc000_0100, 0xc000_0101];
const IA32_SMM_MONITOR_CTL = 0x9b;
const IA32_SMBASE = 0x9e;
const IA32_BIOS_UPDT_TRIG = 0x79;
const X2APIC = 0x8;

/** Only SMM has these; those of the local APIC in x2APIC mode are not for areas. */
const isExcluded = (index: number): boolean =>
  index >>> 8 === X2APIC || index === IA32_SMM_MONITOR_CTL || index === IA32_SMBASE;

const isNotLoaded = (index: number): boolean =>
  isExcluded(index) || index === FS_BASE || index === GS_BASE || index === IA32_BIOS_UPDT_TRIG;

/** The number, from 1 on, of the first entry that cannot be loaded; 0 when all are. */
export function loadMsrs(
  access: MsrAccess,
  memory: PhysicalMemory,
  address: number,
  count: number,
): number {
  for (let i = 0; i < count; i += 1) {
    const at = address + ENTRY_BYTES * i;
    const index = memory.read32(at) >>> 0;
    const isPlain = i < MOST_ENTRIES && memory.read32(at + 4) === 0 && !isNotLoaded(index);
    if (!isPlain || !writeMsr(access, index, memory.read(at + 8, 8))) return i + 1;
  }
  return 0;
}

/** The same for entries that cannot be stored. */
export function storeMsrs(
  access: MsrAccess,
  memory: PhysicalMemory,
  address: number,
  count: number,
): number {
  for (let i = 0; i < count; i += 1) {
    const at = address + ENTRY_BYTES * i;
    const index = memory.read32(at) >>> 0;
    const isPlain = i < MOST_ENTRIES && memory.read32(at + 4) === 0 && !isExcluded(index);
    const value = isPlain ? readMsr(access, index) : null;
    if (value === null) return i + 1;
    memory.write(at + 8, 8, value);
  }
  return 0;
}
