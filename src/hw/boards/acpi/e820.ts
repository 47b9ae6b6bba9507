/** The memory map: ACPI Specification, "INT 15H, E820H - Query System Address Map". */

import { TableWriter } from "./table.ts";

export const E820_TYPES = { ram: 1, reserved: 2, acpi: 3, nvs: 4, unusable: 5 } as const;

export interface E820Entry {
  readonly address: number;
  readonly size: number;
  readonly type: keyof typeof E820_TYPES;
}

/** Twenty bytes each, as the BIOS call, a boot loader's page and the file `etc/e820` have them. */
export function e820(entries: readonly E820Entry[]): Uint8Array {
  const map = new TableWriter();
  for (const { address, size, type } of entries) map.u64(address, size).u32(E820_TYPES[type]);
  return map.bytes();
}
